"""Show 4: with a week of telemetry and a million events the store keeps to its size beside a writer, and answers."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select

from bench.history import Past, load_events, load_telemetry
from bench.queries import LIMIT_MS, time_questions
from bench.report import percentile
from dashboard.retention.keeper import Keeper
from dashboard.retention.plan import Disk, Why, policy_of
from dashboard.retention.settings import RetentionSettings
from dashboard.store.database import Database
from dashboard.store.holdings import Holdings, Kind
from dashboard.store.intake import Intake
from dashboard.store.tables import events, telemetry_hour, telemetry_raw
from fleet.garbage import collect_rarely
from fleet.settings import load
from tests.contract.dashboard.test_intake import records_of
from tests.support.camera_words import CAMERA, event
from tests.support.scale import count, is_full

pytestmark = pytest.mark.timeout(1_200)

BLOCKED_MOST_S = 0.1
BATCH = 10
PAUSE_S = 0.02
Note = Callable[[str, object], None]


class ClockedDatabase(Database):
    """A database with a clock at its door: how long one waited there, and how long from then until all was durable."""

    longest_wait_s = 0.0
    longest_hold_s = 0.0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give the transaction, and note its times."""
        with self._clocked(super().writing()) as connection:
            yield connection

    @contextmanager
    def taking_away(self) -> Iterator[Connection]:
        """Give the transaction, and note its times, where there is one lock for all."""
        transaction = super().taking_away()
        with self._clocked(transaction) if self.is_sqlite else transaction as connection:
            yield connection

    @contextmanager
    def _clocked(self, transaction: AbstractContextManager[Connection]) -> Iterator[Connection]:
        began = time.monotonic()
        with transaction as connection:
            entered = time.monotonic()
            self.longest_wait_s = max(self.longest_wait_s, entered - began)
            yield connection
        self.longest_hold_s = max(self.longest_hold_s, time.monotonic() - entered)


@dataclass
class WriterBeside:
    """Writes batches as ingest does, until it is stopped."""

    database: ClockedDatabase
    written: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Write."""
        while not self.stopping.wait(PAUSE_S):
            now = datetime.now(UTC)
            batch = [event(self.written + n, now=now) for n in range(1, BATCH + 1)]
            self.written += Intake(self.database).write(records_of(*batch))


@contextmanager
def writer_beside(database: Database) -> Iterator[WriterBeside]:
    """Run a writer on connections of its own."""
    writer = WriterBeside(ClockedDatabase(database.url))
    thread = threading.Thread(target=writer.run, name="writer-beside")
    thread.start()
    try:
        yield writer
    finally:
        writer.stopping.set()
        thread.join()
        writer.database.close()


@pytest.fixture
def rare_collections() -> Iterator[None]:
    """Python looks for garbage as rarely as in our programs; what pytest holds would take it a tenth of a second."""
    before = gc.get_threshold()
    collect_rarely()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.fixture
def keeper_database(database: Database) -> Iterator[ClockedDatabase]:
    """The keeper's own connections to the same database."""
    clocked = ClockedDatabase(database.url)
    yield clocked
    clocked.close()


def number(database: Database, query: object) -> int:
    with database.reading() as connection:
        return int(connection.execute(query).scalar_one())  # type: ignore[call-overload]


@pytest.mark.usefixtures("rare_collections")
def test_the_store_holds_the_size_that_is_set_and_answers_as_fast(
    database: Database, keeper_database: ClockedDatabase, record_property: Note
) -> None:
    now = datetime.now(UTC)
    past = Past(now, count(1_000_000, 4_000, "events"))
    week = Past(now, 1, cameras=count(25, 2, "cameras with a week of telemetry"), days=7)
    load_events(database, past)
    load_telemetry(database, week, every_s=count(15, 3_600, "seconds between measurements"))
    most = round(Holdings(database).room().used_bytes * 0.6)
    rules = replace(policy_of(load(RetentionSettings)), most_bytes=most)
    keeper = Keeper(keeper_database, rules, lambda _keep, _now: 0, look_at_disk=lambda _folder: Disk(100, 10))

    with writer_beside(database) as writer:
        done = keeper.run(now)

    record_property("deleted", sum(one.deleted for one in done))
    record_property("written_meanwhile", writer.written)
    record_property("longest_hold_ms", round(keeper_database.longest_hold_s * 1000, 1))
    record_property("longest_wait_ms", round(writer.database.longest_wait_s * 1000, 1))
    check_what_is_kept(database, week, now, writer.written)
    assert {(one.kind, one.why) for one in done} >= {(Kind.TELEMETRY, Why.AGE), (Kind.EVENTS, Why.SIZE)}
    spent = time_questions(database, past, count(200, 5, "times"))
    worst_ms = max(percentile(values, 0.95) for values in spent.values())
    record_property("query_p95_ms", round(worst_ms, 2))
    # What the writer added since retention looked for the last time is little.
    assert Holdings(database).room().used_bytes <= most + 2_000 * writer.written
    if is_full():
        assert Holdings(database).room().used_bytes <= most
        assert keeper_database.longest_hold_s < BLOCKED_MOST_S
        assert writer.database.longest_wait_s < BLOCKED_MOST_S
        assert worst_ms < LIMIT_MS


def check_what_is_kept(database: Database, week: Past, now: datetime, written: int) -> None:
    """Raw telemetry of the last days, hours of the whole week, every event that just came, and no old one but later."""
    column = telemetry_raw.c.received_at
    assert number(database, select(func.count()).where(column < now - timedelta(hours=49))) == 0
    assert number(database, select(func.count()).select_from(telemetry_hour)) == pytest.approx(
        week.cameras * 7 * 24, abs=2 * week.cameras
    )
    assert number(database, select(func.count()).where(events.c.device_id == CAMERA)) == written
    with database.reading() as connection:
        oldest = connection.execute(select(events.c.received_at).order_by(events.c.change_seq).limit(1)).scalar_one()
    assert oldest > now - timedelta(days=85)
