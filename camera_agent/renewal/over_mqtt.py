"""Renewal over the camera's MQTT session: `up/csr` out, `down/certificate` in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from camera_agent.delivery.link import Link
from camera_agent.renewal.asking import Holder, NoAnswer, RenewalRefused
from fleet import topics
from fleet.logs import get_logger
from fleet.messages import AnswerKind, CertificateAnswer, Csr, CsrKind, MalformedMessage
from fleet.pki import confirmation_message, sign

ANSWER_S = 10.0

log = get_logger(__name__)


@dataclass
class OverMqtt:
    """One question at a time; `take` is called on the session's thread."""

    device_id: str
    link: Link
    answer_s: float = ANSWER_S
    _news: threading.Condition = field(default_factory=threading.Condition)
    _answers: list[CertificateAnswer] = field(default_factory=list)

    def take(self, payload: bytes) -> None:
        """Keep an answer for whoever waits for it."""
        try:
            answer = CertificateAnswer.decode(payload)
        except MalformedMessage as error:
            log.warning("unreadable answer about the certificate ignored", error=str(error))
            return
        with self._news:
            self._answers = [*self._answers[-8:], answer]
            self._news.notify()

    def ask(self, holder: Holder, now: datetime) -> bytes:
        asked = Csr(ts=now, kind=CsrKind.ASK, serial=holder.serial)
        nonce = self._say(asked, AnswerKind.NONCE, self.answer_s).nonce or ""
        signed = holder.sign_for(bytes.fromhex(nonce))
        request = Csr(
            ts=now,
            kind=CsrKind.REQUEST,
            serial=holder.serial,
            nonce=nonce,
            csr_pem=signed.csr_pem,
            signature=signed.signature.hex(),
        )
        return (self._say(request, AnswerKind.ISSUED, self.answer_s).certificate_pem or "").encode()

    def confirm(self, serial: str, key: bytes, now: datetime, timeout_s: float) -> None:
        """Say that the new certificate is in use until the servers count it; raises NoAnswer or RenewalRefused."""
        signature = sign(key, confirmation_message(self.device_id, serial)).hex()
        said = Csr(ts=now, kind=CsrKind.CONFIRM, serial=serial, signature=signature)
        self._say(said, AnswerKind.ACTIVE, timeout_s)

    def _say(self, said: Csr, wanted: AnswerKind, timeout_s: float) -> CertificateAnswer:
        with self._news:
            self._answers.clear()
        if not self.link.publish(topics.csr(self.device_id), said.encode(), qos=1):
            raise NoAnswer("not connected to the broker")
        with self._news:
            self._news.wait_for(lambda: self._to(said, wanted) is not None, timeout_s)
            answer = self._to(said, wanted)
        if answer is None:
            raise NoAnswer(f"no answer to '{said.kind}' within {timeout_s:g} s: is the courier running?")
        if answer.kind is AnswerKind.REFUSED:
            raise RenewalRefused(f"the servers refused '{said.kind}'")
        return answer

    def _to(self, said: Csr, wanted: AnswerKind) -> CertificateAnswer | None:
        kinds = (wanted, AnswerKind.REFUSED)
        return next((one for one in self._answers if one.serial == said.serial and one.kind in kinds), None)
