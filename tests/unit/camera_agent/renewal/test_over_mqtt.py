"""The conversation over MQTT, with a link whose other end is written by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from camera_agent.renewal.asking import Holder, NoAnswer, RenewalRefused
from camera_agent.renewal.over_mqtt import OverMqtt
from fleet.messages import CertificateAnswer, Csr
from fleet.pki import new_key, public_key_of, read_csr, renewal_message, signature_is_right

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NONCE = "0f" * 32
KEY, NEXT = new_key(), new_key()
HOLDER = Holder("cam-front-gate", "a1", KEY, NEXT)


def answer(kind: str, serial: str = "a1", **given: str) -> bytes:
    return CertificateAnswer(ts=NOW, kind=kind, serial=serial, **given).encode()


@dataclass
class Line:
    """Answers each message with what `reply` gives for it."""

    reply: Callable[[Csr], list[bytes]]
    is_connected: bool = True
    heard: list[Csr] = field(default_factory=list)
    over: OverMqtt = field(init=False)

    def __post_init__(self) -> None:
        self.over = OverMqtt("cam-front-gate", self, answer_s=0.05)

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        if self.is_connected:
            assert (topic, qos, retain) == ("fleet/v1/cam-front-gate/up/csr", 1, False)
            self.heard.append(Csr.decode(payload))
            for said in self.reply(self.heard[-1]):
                self.over.take(said)
        return self.is_connected


def well(said: Csr) -> list[bytes]:
    answers = {
        "ask": answer("nonce", nonce=NONCE),
        "request": answer("issued", certificate_pem="chain"),
        "confirm": answer("active", said.serial),
    }
    return [answers[said.kind.value]]


def test_it_asks_for_a_nonce_and_signs_what_it_sends() -> None:
    line = Line(well)
    assert line.over.ask(HOLDER, NOW) == b"chain"
    request = line.heard[1]
    csr = (request.csr_pem or "").encode()
    assert read_csr(csr).public_key == public_key_of(NEXT)
    assert read_csr(csr).asked_name == "cam-front-gate"
    message = renewal_message(bytes.fromhex(NONCE), "a1", csr)
    assert signature_is_right(public_key_of(KEY), bytes.fromhex(request.signature or ""), message)


def test_late_foreign_and_unreadable_answers_are_not_taken_for_its_own() -> None:
    foreign = answer("nonce", "b2", nonce=NONCE)
    noise = [b"garbage", answer("active"), answer("issued", certificate_pem="early"), foreign]
    line = Line(lambda said: [*noise, *well(said)] if said.kind.value == "ask" else well(said))
    assert line.over.ask(HOLDER, NOW) == b"chain"


def test_a_refusal_and_silence_are_told_apart() -> None:
    with pytest.raises(RenewalRefused):
        Line(lambda _: [answer("refused")]).over.ask(HOLDER, NOW)
    with pytest.raises(NoAnswer, match="courier"):
        Line(lambda _: []).over.ask(HOLDER, NOW)
    with pytest.raises(NoAnswer, match="not connected"):
        Line(well, is_connected=False).over.ask(HOLDER, NOW)


def test_a_confirmation_is_answered_by_active_for_that_serial_alone() -> None:
    Line(well).over.confirm("c3", NEXT, NOW, 0.05)
    with pytest.raises(NoAnswer):
        Line(lambda _: [answer("active", "b2")]).over.confirm("c3", NEXT, NOW, 0.05)
