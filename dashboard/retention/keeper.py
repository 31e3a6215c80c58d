"""Retention's round: months ahead, aggregates, what is too old, what is too much, and what came of it."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from dashboard.retention.aggregation import Aggregation
from dashboard.retention.plan import Cut, Disk, Policy, Stock, Why, cuts_by_age, cuts_by_size, is_over
from dashboard.retention.sweep import Sweep
from dashboard.store.database import Database
from dashboard.store.holdings import SHELVES, Holdings, Kind
from dashboard.store.months import Months
from dashboard.store.retention import Removal, Run
from dashboard.store.telemetry import Aggregates

# A cut frees less than its rows are worth where pages stay half full; then the next one takes more.
MOST_ROUNDS = 8
# On PostgreSQL whole months are dropped; by rows goes only what a straggler has kept from being dropped for this long.
STRAGGLERS = timedelta(days=31)

# Cuts the audit log up to an age, leaving its signed checkpoint; returns how many rows went.
TrimAudit = Callable[[timedelta, datetime], int]


@dataclass(frozen=True)
class Done:
    """What a round took of a class."""

    kind: Kind
    why: Why
    deleted: int
    longest_hold_s: float = 0.0


@dataclass
class Keeper:
    """Carries a policy out on one database; every step may be stopped, and is taken up again by the next round."""

    database: Database
    policy: Policy
    trim_audit: TrimAudit
    stopping: threading.Event = field(default_factory=threading.Event)
    look_at_disk: Callable[[Path], Disk] | None = None
    _sweep: Sweep = field(init=False)

    def __post_init__(self) -> None:
        self._sweep = Sweep(Removal(self.database), self.stopping)

    def run(self, now: datetime) -> list[Done]:
        """Do one round; returns what went."""
        Months(self.database).make_ahead(now)
        self._aggregation().catch_up(now)
        before = self.stock(now)
        done = [self._carry_out(cut, now) for cut in cuts_by_age(self.policy, now)]
        done += self._make_room(now)
        done = [one for one in done if one.deleted]
        self._note(done, before, now)
        for table in {SHELVES[one.kind].table.name for one in done}:
            self.database.vacuum(table)
        return done

    def aggregate(self, now: datetime) -> None:
        """Put together what ended since the last time."""
        self._aggregation().catch_up(now)

    def is_over(self) -> bool:
        """Say whether size or disk call for a round now."""
        room = Holdings(self.database).room()
        return is_over(self.policy, room.used_bytes, self._disk(room.free_inside))

    def stock(self, now: datetime) -> Stock:
        """Return what there is."""
        holdings = Holdings(self.database)
        room = holdings.room()
        return Stock(holdings.all(now), room.used_bytes, self._disk(room.free_inside))

    def planned(self, now: datetime) -> list[Cut]:
        """Return the cuts that a round would begin with; nothing is changed."""
        return [*cuts_by_age(self.policy, now), *cuts_by_size(self.policy, self.stock(now), now)]

    def _make_room(self, now: datetime) -> list[Done]:
        done: list[Done] = []
        for _ in range(MOST_ROUNDS):
            cuts = [] if self.stopping.is_set() else cuts_by_size(self.policy, self.stock(now), now)
            taken = [self._carry_out(cut, now) for cut in cuts]
            done += taken
            if not any(one.deleted for one in taken):
                break
        return done

    def _carry_out(self, cut: Cut, now: datetime) -> Done:
        if cut.kind is Kind.AUDIT:
            return Done(cut.kind, cut.why, self._cut_audit(cut, now))
        dropped = 0
        if cut.kind is Kind.EVENTS and cut.why is Why.AGE and not self.database.is_sqlite:
            dropped = Months(self.database).drop_older(cut.before, now)
            cut = Cut(cut.kind, cut.why, cut.before - STRAGGLERS)
        if cut.kind is Kind.TELEMETRY:
            age = now - cut.before
            cut = Cut(cut.kind, cut.why, self._aggregation().finish_before(now, age), cut.most_rows)
        swept = self._sweep.carry_out(cut)
        return Done(cut.kind, cut.why, dropped + swept.deleted, swept.longest_hold_s)

    def _cut_audit(self, cut: Cut, now: datetime) -> int:
        holdings, before = Holdings(self.database), cut.before
        if cut.most_rows is not None:
            before = holdings.time_of(Kind.AUDIT, cut.most_rows) or now
        oldest = holdings.time_of(Kind.AUDIT, 0)
        return self.trim_audit(now - before, now) if oldest is not None and oldest < before else 0

    def _note(self, done: list[Done], before: Stock, now: datetime) -> None:
        worth = {holding.kind: holding.row_bytes for holding in before.holdings}
        kept = {holding.kind: holding.oldest for holding in self.stock(now).holdings} if done else {}
        runs = [Run(one.kind, one.deleted, round(one.deleted * worth[one.kind]), kept[one.kind]) for one in done]
        Removal(self.database).note(runs, now)

    def _aggregation(self) -> Aggregation:
        return Aggregation(Aggregates(self.database), self.stopping.is_set)

    def _disk(self, free_inside: int) -> Disk | None:
        """Return the disk of SQLite's file; PostgreSQL's is not ours to see."""
        if self.database.file is None:
            return None
        disk = (self.look_at_disk or disk_of)(self.database.file.parent)
        return Disk(disk.total_bytes, disk.used_bytes - free_inside)


def disk_of(folder: Path) -> Disk:
    """Return how full the disk of a folder is; what is kept for root counts as used."""
    usage = shutil.disk_usage(folder)
    return Disk(usage.total, usage.total - usage.free)
