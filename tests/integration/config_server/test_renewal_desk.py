"""The courier's desk for renewals: a whole renewal over its two topics, and what it does with bad messages."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from config_server.courier.renewals import MOST_A_MINUTE, RenewalDesk
from fleet import topics
from fleet.logs import configure
from fleet.messages import CertificateAnswer, Csr
from fleet.mqtt import Received
from fleet.pki import confirmation_message, make_csr, new_key, public_key_of, read_certificate, renewal_message, sign
from tests.integration.config_server.conftest import Api
from tests.support.waiting import wait_until

DEVICE = "cam-front-gate"


@dataclass
class Line:
    """Stands for the MQTT session: keeps what the desk publishes."""

    said: list[tuple[str, CertificateAnswer]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool:
        assert qos == 1
        self.said.append((topic, CertificateAnswer.decode(payload)))
        return True


@dataclass
class Rig:
    """A desk on a real registry with one enrolled camera."""

    api: Api
    desk: RenewalDesk
    line: Line
    key: bytes
    serial: str

    def hear(self, kind: str, serial: str | None = None, **given: Any) -> CertificateAnswer | None:
        """Let the desk decide one message of the camera; its answer, if it gave one."""
        said = Csr(ts=self.api.clock(), kind=kind, serial=serial or self.serial, **given)
        before = len(self.line.said)
        self.desk.answer(received(said.encode()))
        new = self.line.said[before:]
        assert all(topic == topics.certificate(DEVICE) for topic, _ in new)
        return new[0][1] if new else None

    def request(self, next_key: bytes) -> dict[str, str]:
        asked = self.hear("ask")
        assert asked
        nonce = asked.nonce or ""
        csr = make_csr(next_key, DEVICE)
        signature = sign(self.key, renewal_message(bytes.fromhex(nonce), self.serial, csr))
        return {"nonce": nonce, "csr_pem": csr.decode(), "signature": signature.hex()}


def received(payload: bytes, device_id: str = DEVICE) -> Received:
    return Received(topics.csr(device_id), payload, 1, False, 1, 1)


@pytest.fixture
def rig(api: Api) -> Iterator[Rig]:
    key, line = new_key(), Line()
    ticket = api.provision("Front gate", device_id=DEVICE)["enrolment"]
    api.enrol(ticket["token"], make_csr(key, "anything"))
    with api.store.reading() as tx:
        serial = tx.certificates.of_subject(DEVICE)[-1].serial
    api.clock.advance(days=60)
    desk = RenewalDesk(api.store, line, lambda: api.parts.signer, api.clock)
    yield Rig(api, desk, line, key, serial)
    desk.stop()


def test_a_renewal_is_spoken_in_three_steps(rig: Rig) -> None:
    key = new_key()
    issued = rig.hear("request", **rig.request(key))
    assert issued
    assert (issued.kind, issued.serial) == ("issued", rig.serial)
    facts = read_certificate((issued.certificate_pem or "").encode())
    assert facts.public_key == public_key_of(key)
    serial = format(facts.serial, "x")
    signature = sign(key, confirmation_message(DEVICE, serial)).hex()
    for _ in range(2):
        active = rig.hear("confirm", serial, signature=signature)
        assert active
        assert (active.kind, active.serial) == ("active", serial)


def test_a_refusal_gives_the_camera_no_reason_and_the_operator_every_one(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("courier", "info")
    request = rig.request(new_key())
    rig.hear("request", **request)
    capsys.readouterr()
    answer = rig.hear("request", **request)
    assert answer
    assert answer.model_dump(exclude_none=True).keys() == {"v", "ts", "kind", "serial"}
    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if line.strip()]
    assert len(lines) == 1
    assert DEVICE in lines[0]
    assert "nonce" in lines[0]


def test_what_is_no_renewal_gets_no_answer_and_one_line(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    configure("courier", "info")
    for payload in (b"", b"garbage", b"{}", b'{"ts":"2026-11-21T12:00:00Z","kind":"request","serial":"a"}', b"\xff"):
        rig.desk.answer(received(payload))
    said = capsys.readouterr()
    assert rig.line.said == []
    assert (said.out + said.err).count("renewal not understood") == 5


def test_a_camera_that_floods_is_not_heard_for_a_minute_and_others_are(rig: Rig) -> None:
    for _ in range(MOST_A_MINUTE):
        assert rig.hear("ask")
    assert rig.hear("ask") is None
    rig.desk.answer(received(Csr(ts=rig.api.clock(), kind="ask", serial="a").encode(), "cam-back-door"))
    assert rig.line.said[-1][0] == topics.certificate("cam-back-door")
    rig.api.clock.advance(seconds=61)
    assert rig.hear("ask")


def test_the_thread_survives_a_message_that_cannot_be_decided(rig: Rig) -> None:
    rig.desk.signer = lambda: 1 / 0  # type: ignore[assignment,return-value]
    rig.desk.start()
    rig.desk.take(received(Csr(ts=rig.api.clock(), kind="request", serial="a", **rig.request(new_key())).encode()))
    before = len(rig.line.said)
    rig.desk.take(received(Csr(ts=rig.api.clock(), kind="ask", serial="a").encode()))
    wait_until(lambda: len(rig.line.said) > before, 5, "the next message is answered")
