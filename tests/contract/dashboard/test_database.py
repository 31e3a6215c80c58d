"""What the door to the database promises: durability settings, one view per reading, named outcomes."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select, text

from dashboard.store.database import Database, StoreUnavailable, take_change_numbers
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import Intake
from dashboard.store.migrate import migrate_database
from dashboard.store.tables import change_counter
from tests.contract.dashboard.test_intake import records_of
from tests.support.camera_words import event as some_event


def test_sqlite_is_durable_and_patient(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'events.db'}")
    with database.reading() as connection:
        found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")}
        assert found == {"journal_mode": "wal", "synchronous": 2}
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 5000
    database.close()


def test_a_failed_transaction_leaves_nothing_behind(database: Database) -> None:
    def take_and_fail() -> None:
        with database.writing() as connection:
            take_change_numbers(connection, 5)
            raise KeyError("a defect in the middle")

    with pytest.raises(KeyError):
        take_and_fail()
    with database.writing() as connection:
        assert take_change_numbers(connection, 1) == 1


def test_a_reading_sees_one_state_whatever_is_written_meanwhile(database: Database) -> None:
    def newest(connection: Connection) -> int:
        return connection.execute(select(change_counter.c.value)).scalar_one()

    with database.reading() as connection:
        before = newest(connection)
        Intake(database).write(records_of(some_event()))
        assert newest(connection) == before
    with database.reading() as connection:
        assert newest(connection) == before + 2


def test_a_full_disk_is_an_outcome_that_passes(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'events.db'}")
    migrate_database(database)
    limit = {"pages": 0}

    @event.listens_for(database.engine, "begin")
    def hold_to_the_limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={limit['pages'] or 2**30}")

    with database.reading() as connection:
        limit["pages"] = connection.execute(text("PRAGMA page_count")).scalar_one() + 2
    stored = 0

    def fill() -> None:
        nonlocal stored
        for _ in range(500):
            Intake(database).write(records_of(some_event(zones=["z" * 80] * 60)))
            stored += 1

    with pytest.raises(StoreUnavailable, match="full"):
        fill()
    assert len(Events(database).newest_first(EventFilter(), 500)) == stored
    limit["pages"] = 0
    assert Intake(database).write(records_of(some_event())) == 1
    database.close()
