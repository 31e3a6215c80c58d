"""PostgreSQL's months: events find theirs, repeats and lists know nothing of them, moving loses none."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import Intake
from dashboard.store.migrate import migrate_database
from dashboard.store.partitions import REST, Month, add_month, is_partition, months_ahead, stored_months
from dashboard.store.revision import newest_revision
from dashboard.store.tables import events
from fleet.identifiers import uuid7
from fleet.messages import Event
from tests.contract.dashboard.conftest import ON_SQLITE, new_url
from tests.contract.dashboard.test_intake import records_of
from tests.contract.dashboard.test_migration_delivery import move
from tests.support.camera_words import MOMENT, event

NOW = datetime.now(UTC)
LAST_MONTH = Month.of(Month.of(NOW).start - timedelta(days=1))


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated PostgreSQL database."""
    database = Database(new_url(request, "postgresql", tmp_path))
    migrate_database(database)
    yield database
    database.close()


def event_of(moment: datetime, seq: int = 1, **said: object) -> Event:
    return event(seq, event_id=uuid7(int(moment.timestamp() * 1000)), now=MOMENT, **said)


def rows_by_table(database: Database) -> dict[str, int]:
    query = text("SELECT tableoid::regclass::text AS name, count(*) AS n FROM events GROUP BY 1")
    with database.reading() as connection:
        return {row.name: row.n for row in connection.execute(query)}


def test_a_month_knows_its_bounds_and_its_partition() -> None:
    december = Month(2026, 12)
    assert (december.table, december.next) == ("events_y2026m12", Month(2027, 1))
    inside = [december.start, december.next.start - timedelta(milliseconds=1)]
    ids = [str(uuid7(int(moment.timestamp() * 1000))) for moment in inside]
    assert december.first_id <= ids[0] < ids[1] < december.next.first_id
    assert is_partition("events_y2026m12")
    assert not is_partition("events")


def test_an_event_lies_in_the_month_of_its_id_and_odd_ones_in_the_rest(postgres: Database) -> None:
    this, following = months_ahead(NOW)[:2]
    sent = [event_of(this.start, 1), event_of(following.start, 2), event_of(datetime(1990, 1, 1, tzinfo=UTC), 3)]
    Intake(postgres).write(records_of(*sent, event(4, event_id=uuid.uuid4())))
    assert rows_by_table(postgres) == {this.table: 1, following.table: 1, REST: 2}


def test_repeats_and_revisions_are_judged_as_in_one_table(postgres: Database) -> None:
    first = event_of(NOW)
    second = first.model_copy(update={"rev": 2, "score": 0.75})
    assert [Intake(postgres).write(records_of(said)) for said in (first, first, second, first)] == [1, 0, 1, 0]
    [row] = Events(postgres).newest_first(EventFilter(), 10)
    assert (row["rev"], row["score"]) == (2, 0.75)


def test_a_partition_that_comes_late_takes_what_is_its_own_from_the_rest(postgres: Database) -> None:
    far = Month(2031, 5)
    sent = [event_of(far.start + timedelta(days=n), n + 1) for n in (0, 20)]
    Intake(postgres).write(records_of(*sent, event_of(far.next.start, 9)))
    assert rows_by_table(postgres) == {REST: 3}
    with postgres.writing() as connection:
        add_month(connection, far)
        assert far in stored_months(connection)
    assert rows_by_table(postgres) == {far.table: 2, REST: 1}
    assert Intake(postgres).write(records_of(sent[0])) == 0


def test_moving_into_months_and_back_keeps_every_event(postgres: Database) -> None:
    moments = [LAST_MONTH.start, NOW, NOW - timedelta(days=400), datetime(1990, 1, 1, tzinfo=UTC)]
    Intake(postgres).write(records_of(*(event_of(moment, n + 1) for n, moment in enumerate(moments))))
    before = Events(postgres).newest_first(EventFilter(), 10)
    assert len(before) == 4
    move(postgres, "0005")
    assert rows_by_table(postgres) == {"events": 4}
    move(postgres, newest_revision())
    found = rows_by_table(postgres)
    assert Events(postgres).newest_first(EventFilter(), 10) == before
    assert (found[REST], found[LAST_MONTH.table], found[Month.of(NOW - timedelta(days=400)).table]) == (1, 1, 1)


@ON_SQLITE
def test_sqlite_has_no_months(database: Database) -> None:
    with database.reading() as connection:
        assert stored_months(connection) == []
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 0
