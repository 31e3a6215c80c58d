"""Answer cameras that renew over MQTT: `up/csr` in, `down/certificate` out, on a thread of its own."""

import queue
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from config_server import renewal
from config_server.authorities import AuthorityMissing
from config_server.renewal import RenewalRefused, RenewalRequest
from config_server.signing import Signer
from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store
from fleet import topics
from fleet.logs import get_logger
from fleet.messages import AnswerKind, CertificateAnswer, Csr, CsrKind, MalformedMessage
from fleet.mqtt import Received
from fleet.topics import Channel, Topic

log = get_logger(__name__)

FILTER = topics.topic_filter(Channel.CSR)
MOST_WAITING = 1000
LOOK_S = 0.5
# A camera needs three messages every two months; one that says more than this in a minute is broken or hostile.
MOST_A_MINUTE = 30
MINUTE = timedelta(minutes=1)


class Publisher(Protocol):
    """The part of an MQTT session that this module uses."""

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool: ...


@dataclass
class Pace:
    """Counts what each camera says in a minute, so that one of them cannot fill the database or the log."""

    began: datetime | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def nth(self, device_id: str, now: datetime) -> int:
        """Count one message of a camera: the how manieth of its minute it is."""
        if self.began is None or not timedelta(0) <= now - self.began < MINUTE:
            self.began = now
            self.counts.clear()
        self.counts[device_id] += 1
        return self.counts[device_id]


@dataclass
class RenewalDesk:
    """Takes messages on the network thread, and answers them one by one; a camera whose answer is lost asks again.

    `signer` is asked for each certificate, so that a rotated CA is used at once.
    """

    store: Store
    session: Publisher
    signer: Callable[[], Signer]
    clock: Callable[[], datetime]
    pace: Pace = field(default_factory=Pace)
    _waiting: "queue.Queue[Received]" = field(default_factory=lambda: queue.Queue(MOST_WAITING))
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Answer in the background."""
        self._thread = threading.Thread(target=self._run, name="renewals", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Finish the message in hand; what waits is asked again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def take(self, received: Received) -> None:
        """Put a message in the queue. Called on the session's thread."""
        try:
            self._waiting.put_nowait(received)
        except queue.Full:
            log.warning("too many renewals at once, one is dropped: its camera asks again", topic=received.topic)

    def answer(self, received: Received) -> None:
        """Decide one message and publish what follows from it."""
        device_id, now = Topic.parse(received.topic).device_id, self.clock()
        if not self._is_in_pace(device_id, now):
            return
        try:
            said = Csr.decode(received.payload)
        except MalformedMessage as error:
            log.warning("renewal not understood", device_id=device_id, reason=str(error))
            return
        try:
            answer = self._decide(device_id, said, now)
        except RenewalRefused as error:
            log.warning("renewal refused", reason=str(error), step=said.kind.value, serial=said.serial)
            answer = CertificateAnswer(ts=now, kind=AnswerKind.REFUSED, serial=said.serial)
        self.session.publish(topics.certificate(device_id), answer.encode(), qos=1)

    def _decide(self, device_id: str, said: Csr, now: datetime) -> CertificateAnswer:
        """Do one step of a renewal; RenewalRefused, and then nothing was changed."""
        match said.kind:
            case CsrKind.ASK:
                with self.store.writing() as tx:
                    nonce = renewal.give_nonce(tx, device_id, now)
                return CertificateAnswer(ts=now, kind=AnswerKind.NONCE, serial=said.serial, nonce=nonce.hex())
            case CsrKind.REQUEST:
                return self._issue(_request_of(device_id, said), now)
            case CsrKind.CONFIRM:
                signature = bytes.fromhex(said.signature or "")
                with self.store.writing() as tx:
                    renewal.confirm(tx, device_id, said.serial, signature, now)
                log.info("certificate active", device_id=device_id, serial=said.serial)
                return CertificateAnswer(ts=now, kind=AnswerKind.ACTIVE, serial=said.serial)

    def _issue(self, request: RenewalRequest, now: datetime) -> CertificateAnswer:
        signer = self.signer()
        with self.store.writing() as tx:
            record = renewal.renew(tx, signer, request, now)
        log.info("certificate renewed", device_id=record.subject, serial=record.serial)
        chain = record.certificate_pem + signer.ca_pem.decode()
        return CertificateAnswer(ts=now, kind=AnswerKind.ISSUED, serial=request.serial, certificate_pem=chain)

    def _is_in_pace(self, device_id: str, now: datetime) -> bool:
        nth = self.pace.nth(device_id, now)
        if nth == MOST_A_MINUTE + 1:
            log.warning("a camera says too much about renewal, the rest of this minute is dropped", device_id=device_id)
        return nth <= MOST_A_MINUTE

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.answer(self._waiting.get(timeout=LOOK_S))
            except queue.Empty:
                continue
            except (StoreUnavailable, AuthorityMissing) as error:
                log.error("a renewal could not be answered; its camera asks again", reason=str(error))
            except Exception:
                # The top of the thread: without it no camera would ever be renewed again.
                log.exception("a renewal failed; its camera asks again")


def _request_of(device_id: str, said: Csr) -> RenewalRequest:
    nonce, signature = bytes.fromhex(said.nonce or ""), bytes.fromhex(said.signature or "")
    return RenewalRequest(device_id, said.serial, nonce, said.csr_pem or "", signature, "mqtt")
