"""Compare what a simulated fleet decided with what the database holds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import create_engine, select

from bench.simfleet.tally import Decided
from dashboard.store.tables import events


@dataclass(frozen=True)
class Findings:
    """Events that are not there, whose newest revision is not there, that are there twice, that nobody decided."""

    missing: int
    stale: int
    twice: int
    strange: int

    @property
    def lost(self) -> int:
        """Return how many events are not in the database as they were last decided."""
        return self.missing + self.stale


def compare(database_url: str, session: int, ledger: Mapping[UUID, Decided]) -> Findings:
    """Look at every row of this run, which is known by its session number."""
    engine = create_engine(database_url)
    columns = (events.c.event_id, events.c.device_id, events.c.rev, events.c.seq, events.c.change)
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(*columns).where(events.c.session == session)).all()
    finally:
        engine.dispose()
    return judge([(UUID(row[0]), Decided(*row[1:])) for row in rows], ledger)


def lags_s(database_url: str, session: int) -> list[float]:
    """Return how long each event took from the camera's decision to ingest, in the order in which they were decided.

    Both clocks must be one: this is for a fleet on the host itself.
    """
    engine = create_engine(database_url)
    query = select(events.c.ts, events.c.received_at).where(events.c.session == session).order_by(events.c.ts)
    try:
        with engine.connect() as connection:
            return [(row[1] - row[0]).total_seconds() for row in connection.execute(query)]
    finally:
        engine.dispose()


def judge(rows: list[tuple[UUID, Decided]], ledger: Mapping[UUID, Decided]) -> Findings:
    """Compare rows with the ledger."""
    times = Counter(event_id for event_id, _ in rows)
    stored = dict(rows)
    return Findings(
        missing=len(ledger.keys() - stored.keys()),
        stale=sum(1 for event_id, last in ledger.items() if event_id in stored and stored[event_id] != last),
        twice=sum(number - 1 for number in times.values()),
        strange=len(stored.keys() - ledger.keys()),
    )
