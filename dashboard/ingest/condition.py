"""How ingest is doing right now, as its threads see it and as /healthz says it."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dashboard.ingest.oddities import Oddities

LAG_DEGRADED = timedelta(seconds=15)


@dataclass
class Condition:
    """Facts set by the writer and the session, read by the health server."""

    started_at: datetime
    broker_connected: bool = False
    broker_reason: str = "not connected yet"
    database_ok: bool = False
    database_reason: str = "not opened yet"
    last_probe_sent_at: datetime | None = None
    quarantined: int = 0
    odd: Oddities = field(default_factory=Oddities)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def broker(self, *, connected: bool, reason: str = "") -> None:
        """Note how the session is."""
        with self._lock:
            self.broker_connected, self.broker_reason = connected, reason

    def database(self, *, ok: bool, reason: str = "") -> bool:
        """Note how the last transaction went; returns whether that is news."""
        with self._lock:
            changed = ok != self.database_ok
            self.database_ok, self.database_reason = ok, reason
        return changed

    def lag(self, now: datetime) -> timedelta | None:
        """Return the age of the newest committed probe; None before the first."""
        sent = self.last_probe_sent_at
        return None if sent is None else now - sent

    def status(self, now: datetime) -> str:
        """Return ok, degraded (slow) or down (nothing is being stored)."""
        if not (self.broker_connected and self.database_ok):
            return "down"
        lag = now - self.started_at if self.last_probe_sent_at is None else self.lag(now)
        return "degraded" if lag is not None and lag > LAG_DEGRADED else "ok"

    def describe(self, now: datetime) -> dict[str, Any]:
        """Return the body of /healthz."""
        lag = self.lag(now)
        return {
            "status": self.status(now),
            "broker": {"connected": self.broker_connected, "reason": self.broker_reason},
            "database": {"ok": self.database_ok, "reason": self.database_reason},
            "lag_s": None if lag is None else round(lag.total_seconds(), 3),
            "quarantined": self.quarantined,
            "odd": self.odd.describe(),
        }
