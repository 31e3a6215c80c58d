"""The tables that delivery needs come and go, and what was there stays."""

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import Table, func, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import Intake
from dashboard.store.revision import alembic_config, current_revision, newest_revision
from dashboard.store.tables import forward_cursors, retention_runs, telemetry_5min, telemetry_hour, telemetry_raw
from tests.contract.dashboard.test_intake import records_of
from tests.support.camera_words import CAMERA, MOMENT, event, health

NEW = {"telemetry_5min", "telemetry_hour", "forward_cursors", "retention_runs"}


def move(database: Database, revision: str) -> None:
    config, up = alembic_config(), (current_revision(database) or "") < revision
    with database.writing() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


def tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(inspect(connection).get_table_names())


def bucket(start: datetime) -> dict[str, object]:
    plain = {column.name: 1 for column in telemetry_5min.columns}
    return plain | {"device_id": CAMERA, "bucket_start": start, "temperature_c_max": None, "clock_offset_s_avg": None}


def test_delivery_adds_its_tables_and_takes_them_back_without_touching_a_row(database: Database) -> None:
    Intake(database).write(records_of(event(), health()))
    move(database, "0003")
    assert not NEW & tables(database)
    move(database, newest_revision())
    assert tables(database) >= NEW
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(telemetry_raw)).scalar_one() == 1


def test_events_of_before_are_told_when_they_happened(database: Database) -> None:
    early, future = event(1, now=MOMENT - timedelta(hours=3)), event(2, now=MOMENT + timedelta(hours=3))
    Intake(database).write(records_of(early, future))
    before = Events(database).newest_first(EventFilter(), 10)
    move(database, "0004")
    move(database, newest_revision())
    assert Events(database).newest_first(EventFilter(), 10) == before
    assert [row["happened_at"] for row in before] == [MOMENT, MOMENT - timedelta(hours=3)]


@pytest.mark.parametrize("table", [telemetry_5min, telemetry_hour], ids=lambda table: str(table.name))
def test_a_camera_has_one_row_for_each_span(database: Database, table: Table) -> None:
    with database.writing() as connection:
        connection.execute(insert(table), [bucket(MOMENT), bucket(MOMENT + timedelta(minutes=5))])

    def again() -> None:
        with database.engine.begin() as connection:
            connection.execute(insert(table), bucket(MOMENT))

    with pytest.raises(IntegrityError):
        again()


def test_cursors_and_runs_keep_what_they_are_given(database: Database) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    cursor = {"name": "kafka", "change_seq": 2**40, "updated_at": now, "error": None}
    run = {"ran_at": now, "class": "events", "deleted": 2**40, "bytes": 2**41, "oldest_kept": None}
    with database.writing() as connection:
        connection.execute(insert(forward_cursors), cursor)
        connection.execute(insert(retention_runs), [run, run])
    with database.reading() as connection:
        [found] = connection.execute(select(forward_cursors)).mappings()
        assert dict(found) == cursor
        assert [row["id"] for row in connection.execute(select(retention_runs)).mappings()] == [1, 2]
