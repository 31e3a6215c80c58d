"""What is said and signed in a renewal: whole messages only, and bytes that no two requests share."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.messages import CertificateAnswer, Csr, MalformedMessage
from fleet.pki import confirmation_message, renewal_message

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NONCE = "0f" * 32
WHOLE: dict[str, Any] = {
    "ts": NOW.isoformat(),
    "kind": "request",
    "serial": "a1",
    "nonce": NONCE,
    "csr_pem": "x",
    "signature": "00",
}

serials = st.text("0123456789abcdef", min_size=1, max_size=40)
nonces = st.binary(min_size=32, max_size=32)


def test_each_step_survives_the_wire() -> None:
    for said in (
        Csr(ts=NOW, kind="ask", serial="a1"),
        Csr(**WHOLE),
        Csr(ts=NOW, kind="confirm", serial="a1", signature="00"),
    ):
        assert Csr.decode(said.encode()) == said
    for answer in (
        CertificateAnswer(ts=NOW, kind="nonce", serial="a1", nonce=NONCE),
        CertificateAnswer(ts=NOW, kind="issued", serial="a1", certificate_pem="x"),
        CertificateAnswer(ts=NOW, kind="active", serial="a1"),
        CertificateAnswer(ts=NOW, kind="refused", serial="a1"),
    ):
        assert CertificateAnswer.decode(answer.encode()) == answer


@pytest.mark.parametrize("missing", ["nonce", "csr_pem", "signature", "serial", "kind"])
def test_a_request_is_whole_or_malformed(missing: str) -> None:
    with pytest.raises(MalformedMessage):
        Csr.decode(json.dumps({name: value for name, value in WHOLE.items() if name != missing}).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"serial": "A1"},
        {"serial": "a" * 41},
        {"nonce": "0f"},
        {"nonce": NONCE + "00"},
        {"signature": "0"},
        {"signature": "00" * 81},
        {"csr_pem": "x" * 4097},
        {"kind": "steal"},
    ],
)
def test_what_no_camera_says_is_malformed(wrong: dict[str, str]) -> None:
    with pytest.raises(MalformedMessage):
        Csr.decode(json.dumps(WHOLE | wrong).encode())


@pytest.mark.parametrize("kind", ["nonce", "issued"])
def test_an_answer_without_its_content_is_malformed(kind: str) -> None:
    with pytest.raises(MalformedMessage):
        CertificateAnswer.decode(json.dumps({"ts": NOW.isoformat(), "kind": kind, "serial": "a1"}).encode())


@given(nonces, serials, st.binary(max_size=200), nonces, serials, st.binary(max_size=200))
def test_two_requests_are_never_the_same_bytes(
    nonce: bytes, serial: str, csr: bytes, other_nonce: bytes, other_serial: str, other_csr: bytes
) -> None:
    same = (nonce, serial, csr) == (other_nonce, other_serial, other_csr)
    assert (renewal_message(nonce, serial, csr) == renewal_message(other_nonce, other_serial, other_csr)) == same


@given(nonces, serials, st.binary(max_size=200), serials)
def test_a_request_is_never_a_confirmation(nonce: bytes, serial: str, csr: bytes, other: str) -> None:
    assert renewal_message(nonce, serial, csr) != confirmation_message("cam-front-gate", other)


def test_a_nonce_has_its_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        renewal_message(b"short", "a1", b"")
