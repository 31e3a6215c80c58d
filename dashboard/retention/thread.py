"""Retention's thread in the first ingest process: a look every minute, a round every hour or when there is too much."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dashboard.retention.keeper import Done, Keeper
from dashboard.retention.plan import Forecast, Stock, forecast
from dashboard.store.database import RowRefused, StoreUnavailable
from fleet.audit_trail import TrailUnusable
from fleet.logs import get_logger

log = get_logger(__name__)

LOOK_EVERY_S = 60.0
# After the start others come first: the broker's backlog, and the pages of whoever started it.
FIRST_LOOK_S = 20.0
AGGREGATE_EVERY = timedelta(minutes=5)
# A disk that others filled is not emptied by us: after a round that did not help there is time.
OVER_EVERY = timedelta(minutes=10)
ROUND_EVERY = timedelta(hours=1)
WAIT_FOR_END_S = 10.0


@dataclass
class RetentionThread:
    """Works beside ingest on connections of its own. A database that does not answer is asked again a minute later."""

    keeper: Keeper
    clock: Callable[[], datetime]
    first_look_s: float = FIRST_LOOK_S
    _told: dict[str, Any] = field(default_factory=dict)
    _round_at: datetime | None = None
    _aggregated_at: datetime | None = None
    _is_stuck: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._work, name="retention", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it end after the batch at hand."""
        self.keeper.stopping.set()
        if self._thread is not None:
            self._thread.join(WAIT_FOR_END_S)
        self.keeper.database.close()

    def describe(self) -> dict[str, Any]:
        """Return what /healthz says: the database's size, the disk and its watermark, days left."""
        return self._told

    def look(self, now: datetime) -> None:
        """Do what is due; raises StoreUnavailable, TrailUnusable."""
        is_urgent = self._is_due(self._round_at, OVER_EVERY if self._is_stuck else timedelta(0), now)
        if self._is_due(self._round_at, ROUND_EVERY, now) or (is_urgent and self.keeper.is_over()):
            self._round(now)
        elif self._is_due(self._aggregated_at, AGGREGATE_EVERY, now):
            self.keeper.aggregate(now)
            self._aggregated_at = now

    def _work(self) -> None:
        wait_s = self.first_look_s
        while not self.keeper.stopping.wait(wait_s):
            wait_s = LOOK_EVERY_S
            try:
                self.look(self.clock())
            except (StoreUnavailable, RowRefused, TrailUnusable, OSError) as error:
                log.warning("retention could not finish; it goes on in a minute", reason=str(error))
                self._told = self._told | {"reason": str(error)}

    def _round(self, now: datetime) -> None:
        done = self.keeper.run(now)
        self._round_at = self._aggregated_at = now
        self._is_stuck = self.keeper.is_over()
        stock = self.keeper.stock(now)
        self._told = told(stock, forecast(self.keeper.policy, stock), self.keeper) | {"ran_at": now.isoformat()}
        for one in done:
            _say(one)

    def _is_due(self, last: datetime | None, every: timedelta, now: datetime) -> bool:
        # A server's clock that was set back must not stop retention.
        return last is None or not last <= now < last + every


def told(stock: Stock, coming: Forecast, keeper: Keeper) -> dict[str, Any]:
    """Return in plain words and numbers how much room is used and how long it lasts."""
    disk = stock.disk
    return {
        "database_bytes": stock.used_bytes,
        "most_bytes": keeper.policy.most_bytes,
        "disk_used_pct": None if disk is None else round(disk.used_pct, 1),
        "disk_high_pct": keeper.policy.high_pct,
        "days_left": coming.days_left,
        "bound": coming.bound,
    }


def _say(done: Done) -> None:
    log.info(
        "retention took the oldest away",
        kind=done.kind.value,
        why=done.why.value,
        rows=done.deleted,
        longest_hold_ms=round(done.longest_hold_s * 1000, 1),
    )
