"""Keep the camera's certificate good: ask in time, try the new one out, go back to the old one unless it counts."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from camera_agent.delivery.link import Link
from camera_agent.home import AgentHome
from camera_agent.renewal import successor
from camera_agent.renewal.asking import Holder, NoAnswer, RenewalRefused, Way, serial_text
from camera_agent.renewal.over_mqtt import OverMqtt
from camera_agent.renewal.schedule import Schedule, is_nearly_over, is_over
from camera_agent.streams.backoff import Backoff
from fleet.home import CredentialFiles
from fleet.logs import get_logger
from fleet.pki import CertificateFacts, KeyRefused, NotACertificate, read_certificate

LOOK_S = 1.0
# Less than the will's delay: a certificate that the broker does not take must not make the camera look dead.
CONNECTS_WITHIN_S = 7.0
ACTIVE_WITHIN_S = 30.0
CONFIRM_EVERY_S = 5.0
NOT_DUE = "not due"
REFUSED = (
    "the servers refuse to renew this camera's certificate: look at it in the dashboard, and if it is to stay, "
    "re-enrol it there and run 'camfleet-agent enroll … --force' here; events wait in the outbox meanwhile"
)

log = get_logger(__name__)


class SwitchableLink(Link, Protocol):
    """An MQTT session that can change its credentials."""

    credentials: CredentialFiles

    def wait_connected(self, timeout_s: float) -> bool: ...

    def reconnect(self, credentials: CredentialFiles | None = None) -> None: ...


@dataclass(frozen=True)
class Tools:
    """What a renewer works with; `renewed` is told of a certificate that took its place."""

    home: AgentHome
    link: SwitchableLink
    over_mqtt: OverMqtt
    over_https: Way
    schedule: Schedule
    now: Callable[[], datetime]
    renewed: Callable[[CertificateFacts], None]


def _patient(first_s: float, longest_s: float) -> Backoff:
    return Backoff(random.random, first_s, longest_s)


@dataclass
class Renewer:
    """One thread; `step` does what can be done now and says in how many seconds to look again."""

    tools: Tools
    _facts: CertificateFacts | None = None
    _waiting: CertificateFacts | None = None
    _unconfirmed: bool = False
    _said: str = NOT_DUE
    _detail: str | None = None
    _asks: Backoff = field(default_factory=lambda: _patient(5.0, 900.0))
    _refusals: Backoff = field(default_factory=lambda: _patient(60.0, 6 * 3600.0))
    _trials: Backoff = field(default_factory=lambda: _patient(10.0, 3600.0))
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Look after the certificate in the background."""
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Leave off at any point: the next start goes on from what is on disk."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def report(self) -> dict[str, str | None]:
        """Return what state.json says about it."""
        ends = self._facts.not_after.isoformat() if self._facts else None
        return {"certificate_not_after": ends, "renewal": self._said, "renewal_detail": self._detail}

    def step(self) -> float:
        """Do one thing; raises OSError when the disk does not take it."""
        facts = self._load()
        if self._waiting is not None:
            return self._put_to_use(facts, self._waiting)
        if self._unconfirmed:
            self._confirm_late(facts)
        now, schedule = self.tools.now(), self.tools.schedule
        if not schedule.is_due(facts, now):
            self._say(NOT_DUE)
            return LOOK_S
        if self.tools.link.is_connected:
            return self._ask(facts, self.tools.over_mqtt)
        if is_nearly_over(facts, now):
            return self._ask(facts, self.tools.over_https)
        if self._said == NOT_DUE:
            self._say("due", "waits for the broker")
        return LOOK_S

    def _load(self) -> CertificateFacts:
        if self._facts is None:
            self._facts = read_certificate(self.tools.home.credentials.certificate.read_bytes())
            self._waiting = successor.waiting(self.tools.home)
        return self._facts

    def _ask(self, facts: CertificateFacts, way: Way) -> float:
        home = self.tools.home
        try:
            next_key = successor.prepare_next_key(home)
            holder = Holder.of(facts, home.credentials.key.read_bytes(), next_key)
            chain = way.ask(holder, self.tools.now())
            self._waiting = successor.take_certificate(home, chain)
        except RenewalRefused:
            self._say("refused", REFUSED)
            return self._refusals.next_s()
        except (NoAnswer, successor.SuccessorRefused) as error:
            self._say("waiting for an answer", str(error))
            return self._asks.next_s()
        self._asks.reset()
        self._refusals.reset()
        self._say("received", f"serial {serial_text(self._waiting)}")
        return 0.0

    def _put_to_use(self, facts: CertificateFacts, new: CertificateFacts) -> float:
        if is_over(facts, self.tools.now()):
            # There is no way back to a certificate that has ended; what follows it is confirmed when it connects.
            self._take_over(new)
            self.tools.link.reconnect()
            self._unconfirmed = True
            return 0.0
        if not self.tools.link.is_connected and not self.tools.link.wait_connected(LOOK_S):
            return LOOK_S
        if self._try_out(new):
            self._trials.reset()
            self._take_over(new)
            return LOOK_S
        if self._stopping.is_set():
            # The next start tries it again; a reconnect now would cut the goodbye short.
            return LOOK_S
        self.tools.link.reconnect(self.tools.home.credentials)
        return self._trials.next_s()

    def _try_out(self, new: CertificateFacts) -> bool:
        """Use the new certificate in the same MQTT session; returns whether the servers count it now."""
        self._say("trying", f"serial {serial_text(new)}")
        link, began_s = self.tools.link, time.monotonic()
        link.reconnect(self.tools.home.renewal)
        if not link.wait_connected(CONNECTS_WITHIN_S):
            self._say("going back", "the broker does not take the new certificate, or is away")
            return False
        while (left_s := began_s + ACTIVE_WITHIN_S - time.monotonic()) > 0 and not self._stopping.is_set():
            if link.wait_connected(min(left_s, LOOK_S)) and self._is_active(new, self.tools.home.renewal, left_s):
                return True
        self._say("going back", f"the servers did not count the new certificate within {ACTIVE_WITHIN_S:g} s")
        return False

    def _is_active(self, new: CertificateFacts, files: CredentialFiles, left_s: float) -> bool:
        tools, patience_s = self.tools, min(left_s, CONFIRM_EVERY_S)
        try:
            tools.over_mqtt.confirm(serial_text(new), files.key.read_bytes(), tools.now(), patience_s)
        except NoAnswer:
            self._stopping.wait(0.1)
            return False
        except RenewalRefused:
            log.warning("the servers refuse to count the new certificate", serial=serial_text(new))
            self._stopping.wait(LOOK_S)
            return False
        return True

    def _take_over(self, new: CertificateFacts) -> None:
        home = self.tools.home
        successor.install(home)
        self.tools.link.credentials = home.credentials
        successor.discard(home)
        self._facts, self._waiting = new, None
        self._say("renewed", f"serial {serial_text(new)}, until {new.not_after:%Y-%m-%d %H:%M} UTC")
        self.tools.renewed(new)

    def _confirm_late(self, facts: CertificateFacts) -> None:
        if self.tools.link.is_connected:
            self._unconfirmed = not self._is_active(facts, self.tools.home.credentials, CONFIRM_EVERY_S)

    def _say(self, said: str, detail: str | None = None) -> None:
        if (said, detail) == (self._said, self._detail):
            return
        self._said, self._detail = said, detail
        write = log.error if said == "refused" else log.info
        write("certificate renewal", state=said, detail=detail)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause_s = self.step()
            except (OSError, KeyRefused, NotACertificate) as error:
                self._say("cannot be stored", f"{error}: make room and let {self.tools.home.path} be written")
                pause_s = self._asks.next_s()
            except Exception:
                # The top of the thread: a camera whose renewal failed goes on watching, and tries again.
                log.exception("renewal failed; trying again later")
                pause_s = self._asks.next_s()
            self._stopping.wait(pause_s)
