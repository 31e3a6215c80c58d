"""How each target is doing, as its thread sees it and as /healthz says it."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dashboard.forwarder.target import Trouble
from dashboard.store.forwarding import Lag
from fleet.logs import get_logger
from fleet.messages import to_wire_time

log = get_logger(__name__)

LAG_DEGRADED = timedelta(minutes=5)
OK = "ok"


@dataclass
class TargetCondition:
    """Set by the target's thread, read by the health server's."""

    name: str
    address: str
    since: datetime
    state: str = OK
    reason: str | None = None
    delivered: int = 0
    failures: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, count: int) -> None:
        """Count messages that are safe at the target."""
        with self._lock:
            self.delivered += count

    def failed(self) -> None:
        """Count a failure."""
        with self._lock:
            self.failures += 1

    def well(self, now: datetime) -> None:
        """Note that the target takes what it is given."""
        if self._change(OK, None, now):
            log.info("the target takes events", target=self.name, address=self.address)

    def troubled(self, trouble: Trouble, now: datetime) -> None:
        """Note why the target takes no more; only another state is news, reasons may come by turns."""
        state = trouble.verdict.value
        say = log.warning if self._change(state, trouble.reason, now) else log.debug
        text = "the target takes nothing; what is stored waits for it"
        say(text, target=self.name, address=self.address, state=state, reason=trouble.reason)

    def describe(self, lag: Lag | None, now: datetime) -> dict[str, Any]:
        """Return what /healthz says of it; without a lag nobody knows how many wait."""
        with self._lock:
            said = {"address": self.address, "state": self.state, "reason": self.reason, "since": self.since}
        counted = {} if lag is None else {"lag_events": lag.events, "lag_s": lag_s(lag, now)}
        return {**said, "since": to_wire_time(self.since), **counted}

    def is_well(self, lag: Lag | None, now: datetime) -> bool:
        """Say whether nobody has to look: it takes what it is given and is not far behind."""
        return self.state == OK and lag is not None and lag_s(lag, now) <= LAG_DEGRADED.total_seconds()

    def _change(self, state: str, reason: str | None, now: datetime) -> bool:
        with self._lock:
            changed = state != self.state
            self.since = now if changed else self.since
            self.state, self.reason = state, reason
        return changed


def lag_s(lag: Lag, now: datetime) -> float:
    """Return for how long the oldest event has been waiting."""
    oldest = lag.oldest_received_at
    return 0.0 if oldest is None else round(max(0.0, (now - oldest).total_seconds()), 3)
