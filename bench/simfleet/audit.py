"""Compare what a simulated fleet decided with what the database holds."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, select

from bench.simfleet.tally import Decided
from dashboard.store.payload import whole
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
    names = ("device_id", "rev", "seq", "change")
    with _rows_of(database_url, session) as rows:
        return judge([(UUID(row["event_id"]), Decided(*(row[name] for name in names))) for row in rows], ledger)


def lags_s(database_url: str, session: int) -> list[float]:
    """Return how long each event took from the camera's decision to ingest, in the order in which they were decided.

    Both clocks must be one: this is for a fleet on the host itself.
    """
    with _rows_of(database_url, session) as rows:
        times = sorted((row["ts"], row["received_at"]) for row in rows)
    return [(received_at - ts).total_seconds() for ts, received_at in times]


@contextmanager
def _rows_of(database_url: str, session: int) -> Iterator[Iterator[dict[str, Any]]]:
    """Give the events of a run one by one; no index knows the session, so all are looked at."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            rows = map(whole, connection.execute(select(events)).mappings())
            yield (row for row in rows if row["session"] == session)
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
