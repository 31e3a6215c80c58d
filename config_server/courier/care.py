"""Hourly care: fresh CRLs, renewal of this host's own certificates, and telling their readers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config_server.authorities import AuthorityMissing, load_authorities
from config_server.ca import care
from config_server.reload import ReloadFailed, reload_changed
from config_server.revocation import ALERT_BELOW, LEAF_CRL_LIFE, CrlUnusable
from config_server.settings import ConfigSettings
from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store
from fleet.logs import get_logger
from fleet.messages.message import to_wire_time

log = get_logger(__name__)

EVERY = timedelta(hours=1)
RETRY = timedelta(minutes=1)


@dataclass
class Caretaker:
    """Knows when care is due and how the last round went. What was done survives a crash in the database."""

    settings: ConfigSettings
    store: Store
    signed_at: datetime | None = None
    next_due: datetime | None = None
    crl_until: datetime | None = None
    failure: str | None = None

    def round(self, now: datetime) -> bool:
        """Do what is due; says whether anything was. A failure is kept for /healthz and tried again soon."""
        if self.next_due is None:
            self.next_due = self._due_by_record(now)
        if now < self.next_due:
            return False
        try:
            self._care(now)
        except (AuthorityMissing, CrlUnusable, ReloadFailed, StoreUnavailable, OSError) as error:
            log.error("care failed; trying again soon", reason=str(error))
            self.failure, self.next_due = str(error), now + RETRY
        else:
            self.failure, self.next_due = None, now + EVERY
        return True

    def condition(self, now: datetime) -> dict[str, Any]:
        """What /healthz says of certificates and CRLs."""
        return {
            "crl_signed_at": to_wire_time(self.signed_at) if self.signed_at else None,
            "crl_valid_until": to_wire_time(self.crl_until) if self.crl_until else None,
            "next_due": to_wire_time(self.next_due) if self.next_due else None,
            "failure": self.failure,
            "ok": self.failure is None and self.crl_until is not None and self.crl_until - now >= ALERT_BELOW,
        }

    def _care(self, now: datetime) -> None:
        # The CAs are read anew each time: a key that was taken away or came back is noticed.
        done = care(self.settings, self.store, load_authorities(self.settings), now)
        self.signed_at = now
        self.crl_until = min(crl.next_update for crl in done.crls)
        reloaded = reload_changed(self.settings, done.holders)
        renewed = {item.holder: item.reason for item in done.renewed}
        log.info("care done", renewed=renewed, crls=len(done.crls), reloaded=reloaded)

    def _due_by_record(self, now: datetime) -> datetime:
        """When the last round that the database remembers makes the next one due; now when it knows of none."""
        try:
            with self.store.reading() as tx:
                until = [crl.next_update for crl in tx.crls.all()]
        except StoreUnavailable:
            return now
        if not until:
            return now
        self.crl_until = min(until)
        self.signed_at = self.crl_until - LEAF_CRL_LIFE
        return self.signed_at + EVERY
