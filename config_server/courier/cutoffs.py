"""Cut off whom the registry has denied: deny, revoke, reload, kick, prove; each step recorded, no crash loses one."""

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config_server.authorities import AuthorityMissing, load_authorities
from config_server.broker_files import broker_files_held
from config_server.courier.control import BrokerControl, BrokerFault, CameBack, Refusals
from config_server.cutoff import may_come_back
from config_server.records import CutoffRecord
from config_server.revocation import CrlUnusable, sign_issuing_crls
from config_server.settings import ConfigSettings
from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store
from fleet.logs import get_logger
from fleet.messages.message import to_wire_time

log = get_logger(__name__)

# Before these steps nothing is sure to be in force: everything is taken from the start.
LOADED = frozenset({"reloaded", "kicked", "proven"})
PAUSE_S = 0.25
RETRY_S = 2.0

Failures = (BrokerFault, AuthorityMissing, CrlUnusable, StoreUnavailable, OSError)


@dataclass
class Cutoffs:
    """Brings the broker to what the registry says, again and again until it is so.

    Before a list is loaded, all steps are simply taken again after a crash: each replaces what it did before.
    """

    settings: ConfigSettings
    store: Store
    control: BrokerControl
    clock: Callable[[], datetime]
    failure: str | None = None
    waiting: int = 0
    _in_force: frozenset[str] | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`, on a thread of its own: holding a session takes seconds."""
        while not stop.is_set():
            stop.wait(PAUSE_S if self.attempt() else RETRY_S)

    def attempt(self) -> bool:
        """One round; says whether it went well. A failure is kept for /healthz, logged once, and tried again."""
        try:
            self.round()
        except Failures as error:
            if str(error) != self.failure:
                log.error("the broker does not refuse yet whom it should; trying again", reason=str(error))
            self.failure = str(error)
            return False
        self.failure = None
        return True

    def condition(self) -> dict[str, Any]:
        """What /healthz says of cutting off."""
        return {"waiting": self.waiting, "failure": self.failure}

    def round(self) -> None:
        """Take every step that is due."""
        self._lift()
        with self.store.reading() as tx:
            denied, unfinished = frozenset(tx.devices.denied()), tx.cutoffs.unfinished()
        self.waiting = len(unfinished)
        if denied != self._in_force or any(cutoff.step not in LOADED for cutoff in unfinished):
            unfinished = self._load()
        if unfinished:
            self._throw_out(unfinished)
        self.waiting = 0

    def _lift(self) -> None:
        """Let in again who was enrolled anew, once all of its older certificates are in a loaded list."""
        with self.store.reading() as tx:
            again = tx.certificates.replaced(tx.devices.denied(), self.clock())
        if not again:
            return
        with self.store.writing() as tx:
            for device_id in again:
                if may_come_back(tx.cutoffs.newest_of(device_id)):
                    tx.devices.lift_denial(device_id)
                    log.info("denial lifted: the device was enrolled anew", device_id=device_id)

    def _load(self) -> Sequence[CutoffRecord]:
        """Have the broker refuse everybody that the registry denies; the cutoffs that are now loaded."""
        with broker_files_held(self.settings.home):
            authorities, now = load_authorities(self.settings), self.clock()
            with self.store.writing() as tx:
                crls = tuple(sign_issuing_crls(tx, authorities, now))
                refusals = Refusals(frozenset(tx.devices.denied()), crls)
                cutoffs = tx.cutoffs.unfinished()
            early = [cutoff for cutoff in cutoffs if cutoff.step not in LOADED]
            self.control.deny(refusals)
            self._record(early, "denied")
            self.control.revoke(refusals)
            self._record(early, "crl")
            self.control.reload()
            self._record(early, "reloaded")
        self._in_force = refusals.denied
        log.info("the broker has loaded denials and lists", denied=len(refusals.denied), lists=len(crls))
        return cutoffs

    def _throw_out(self, cutoffs: Sequence[CutoffRecord]) -> None:
        with self.store.reading() as tx:
            denied = set(tx.devices.denied())
        # Who was enrolled anew meanwhile holds a session of its new certificate, which took the old one over.
        device_ids = sorted({cutoff.device_id for cutoff in cutoffs} & denied)
        try:
            hold = self.control.kick(device_ids)
            try:
                self._record(cutoffs, "kicked")
                self.control.prove(device_ids)
                hold.keep()
            finally:
                hold.release()
        except CameBack:
            self._record(cutoffs, "crl")
            raise
        self._record(cutoffs, "proven")
        log.info("cut off", devices=device_ids)

    def _record(self, cutoffs: Iterable[CutoffRecord], step: str) -> None:
        now = self.clock()
        with self.store.writing() as tx:
            current = {cutoff.id: cutoff for cutoff in tx.cutoffs.unfinished()}
            for cutoff in cutoffs:
                detail = with_step(current.get(cutoff.id, cutoff).detail, step, now)
                tx.cutoffs.advance(cutoff.id, step, detail, now if step == "proven" else None)


def with_step(detail: str, step: str, now: datetime) -> str:
    """The times of all steps as JSON, with one more."""
    return json.dumps({**(json.loads(detail) if detail else {}), step: to_wire_time(now)})
