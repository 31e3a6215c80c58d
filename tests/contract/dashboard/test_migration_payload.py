"""Events of before keep every field when they become what their camera said, and when they go back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, Boolean, Connection, MetaData, Table, event, inspect, select
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import DATETIME

from bench.history import Past, load_events
from dashboard.ingest.agent_event import read_agent_event
from dashboard.ingest.rows import event_row
from dashboard.store.columns import Document, UtcDateTime
from dashboard.store.database import Database
from dashboard.store.intake import Intake
from dashboard.store.payload import all_whole
from dashboard.store.records import Records
from dashboard.store.tables import events
from fleet.messages import Event
from tests.contract.dashboard.test_migration_delivery import move
from tests.support.camera_words import CAMERA, MOMENT
from tests.support.camera_words import event as said_event

BEFORE, AFTER = "0007", "0008"
# More than are moved at once.
MANY = 2_500
Row = dict[str, Any]


def old_rows() -> list[Row]:
    """Rows as releases before kept them, with and without each field that may be missing."""
    optional: tuple[tuple[Any, ...], ...] = (
        (None, MOMENT + timedelta(microseconds=1)),
        (None, 1.7777777777777777),
        (None, 2**63 - 1),
        (None, "hq"),
    )
    return [
        _row(number) | dict(zip(("ended_at", "aspect", "lost", "site_id"), given, strict=True))
        for number, given in enumerate(product(*optional), start=1)
    ]


def _row(number: int) -> Row:
    at = MOMENT + timedelta(days=40 * number, microseconds=number % 3)
    box, label = [0.1, 1 / 3, 0.0, 1.0], ["person", "Fußgänger 前門 🎥 'a\"b\\c\n\t"][number % 2]
    return {
        **{"device_id": CAMERA, "event_id": str(UUID(int=number << 100)), "change_seq": number, "rev": 2**62 + number},
        **{"stream": "main", "label": label, "clock_suspect": number % 5 == 0},
        **{"received_at": at, "happened_at": at - timedelta(seconds=1), "change": "end", "track_id": number},
        **{"session": 2**63 - 1, "outbox": str(UUID(int=number)), "seq": number},
        **{"score": 0.12345678901234568, "best_score": 1e-07 * number, "box": box, "best_box": box[::-1]},
        **{"zones": [[], ["Tor ✓", "b"]][number % 2], "path": [[[0.30000000000000004, 0.5]], []][number % 2]},
        **{"ts": at, "started_at": at - timedelta(seconds=1), "frame_ts": at.replace(microsecond=0)},
    }


def old_table(connection: Connection) -> Table:
    """Return the table as it is there, with the types by which the store reads and writes it."""
    table = Table("events", MetaData(), autoload_with=connection)
    for column in table.columns:
        if isinstance(column.type, DATETIME | TIMESTAMP):
            column.type = UtcDateTime()
        elif isinstance(column.type, JSON | JSONB):
            column.type = Document
        elif column.name == "clock_suspect":
            column.type = Boolean()
    return table


def rows_before(database: Database) -> list[Row]:
    with database.reading() as connection:
        table = old_table(connection)
        return [dict(row) for row in connection.execute(select(table).order_by(table.c.event_id)).mappings()]


def rows_now(database: Database) -> list[Row]:
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(select(events).order_by(events.c.event_id)).mappings()]


@pytest.fixture
def old(database: Database) -> Iterator[Database]:
    """A database of the release before, with such rows."""
    move(database, BEFORE)
    with database.writing() as connection:
        connection.execute(old_table(connection).insert(), old_rows())
    assert rows_before(database) == sorted(old_rows(), key=lambda row: str(row["event_id"]))
    return database


def test_every_field_of_every_row_is_the_same_up_and_down(old: Database) -> None:
    before = rows_before(old)
    move(old, AFTER)
    after = rows_now(old)
    assert all_whole(after) == before
    move(old, BEFORE)
    assert rows_before(old) == before
    move(old, AFTER)
    assert rows_now(old) == after


def test_the_payloads_are_as_an_agent_would_have_written_them(old: Database) -> None:
    move(old, AFTER)
    for row in rows_now(old):
        read = read_agent_event(row["payload"].encode())
        assert read is not None, row["payload"]
        assert (read.event_id, read.rev, read.label) == (row["event_id"], row["rev"], row["label"])
        Event.decode(row["payload"].encode())


def test_what_this_release_stored_comes_back_as_it_was_said(database: Database) -> None:
    said = [said_event(1), said_event(2, zones=["Tor ✓"], score=0.1 + 0.2, aspect=1.5, ended_at=MOMENT, lost=4)]
    Intake(database).write(Records(events=[_stored(one) for one in said]))
    before = rows_now(database)
    move(database, BEFORE)
    move(database, AFTER)
    assert rows_now(database) == before
    assert {row["payload"] for row in before} == {one.encode().decode() for one in said}


def test_a_character_that_postgresqls_documents_cannot_hold_does_not_keep_anybody_from_going_back(
    database: Database,
) -> None:
    Intake(database).write(Records(events=[_stored(said_event(1, zones=["a\0b", "c\\u0000"]))]))
    move(database, BEFORE)
    [row] = rows_before(database)
    assert row["zones"] == (["a\0b", "c\\u0000"] if database.is_sqlite else ["ab", "c\\u0000"])


def test_more_rows_than_are_moved_at_once_all_arrive(database: Database) -> None:
    load_events(database, Past(datetime.now(UTC), MANY))
    before = all_whole(rows_now(database))
    assert len(before) == MANY
    move(database, BEFORE)
    assert rows_before(database) == before
    move(database, AFTER)
    assert all_whole(rows_now(database)) == before


@pytest.mark.parametrize("revision", [AFTER, BEFORE])
def test_the_table_is_made_anew_once_with_its_indexes(database: Database, revision: str) -> None:
    move(database, BEFORE if revision == AFTER else AFTER)
    indexes, made = indexes_of(database), list[str]()
    event.listen(database.engine, "before_cursor_execute", lambda _c, _k, statement, *_: made.append(statement))
    move(database, revision)
    tables = [one for one in made if one.strip().startswith("CREATE TABLE") and "PARTITION OF" not in one]
    assert len(tables) == 1
    assert indexes_of(database) == indexes


def indexes_of(database: Database) -> dict[str, list[str | None]]:
    """The primary key is among them."""
    with database.reading() as connection:
        found = inspect(connection)
        names = {str(index["name"]): index["column_names"] for index in found.get_indexes("events")}
        return names | {"": list[str | None](found.get_pk_constraint("events")["constrained_columns"])}


def _stored(said: Event) -> Row:
    return event_row(CAMERA, "main", said, MOMENT) | {"site_id": None, "clock_suspect": False}
