"""What the store holds, class by class: rows, bytes, age and what comes in a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select, text

from dashboard.store.database import Database
from dashboard.store.tables import audit, events, quarantine, telemetry_5min, telemetry_hour, telemetry_raw

SHORTEST = timedelta(minutes=10)
# A few tables of an almost empty database take pages too; they are nobody's rows.
MOST_SCALE = 3.0


class Kind(StrEnum):
    """A class of what is kept, with an age and a size of its own."""

    EVENTS = "events"
    TELEMETRY = "telemetry"
    TELEMETRY_5MIN = "telemetry-5min"
    TELEMETRY_HOUR = "telemetry-hour"
    QUARANTINE = "quarantine"
    AUDIT = "audit"


@dataclass(frozen=True)
class Shelf:
    """Where a class lies: `time` is the server's, `order` the indexed column by which the oldest come first.

    `recent` is an indexed time that tells how much came within `lately`. `row_bytes` is what a row takes with its
    indexes, measured; on SQLite, where the sum is known, only the proportions count. `is_cut_by_range`: no two rows, or
    few, share their place in the order; else a batch is cut row by row.
    """

    table: Table
    time: Column[Any]
    order: Column[Any]
    recent: Column[Any]
    lately: timedelta
    row_bytes: int
    is_cut_by_range: bool = False

    @property
    def is_in_order_of_time(self) -> bool:
        """Say whether the oldest rows are exactly the first ones."""
        return self.order is self.time


def _by_time(time: Column[Any], lately: timedelta, row_bytes: int, *, is_cut_by_range: bool = False) -> Shelf:
    return Shelf(time.table, time, time, time, lately, row_bytes, is_cut_by_range)


SHELVES: dict[Kind, Shelf] = {
    Kind.EVENTS: Shelf(
        events,
        time=events.c.received_at,
        order=events.c.change_seq,
        recent=events.c.happened_at,
        lately=timedelta(days=7),
        row_bytes=950,
        is_cut_by_range=True,
    ),
    Kind.TELEMETRY: _by_time(telemetry_raw.c.received_at, timedelta(hours=1), 250, is_cut_by_range=True),
    Kind.TELEMETRY_5MIN: _by_time(telemetry_5min.c.bucket_start, timedelta(days=1), 220),
    Kind.TELEMETRY_HOUR: _by_time(telemetry_hour.c.bucket_start, timedelta(days=1), 220),
    Kind.QUARANTINE: _by_time(quarantine.c.received_at, timedelta(days=7), 1_500),
    Kind.AUDIT: Shelf(audit, audit.c.at, audit.c.id, audit.c.at, timedelta(days=30), 350),
}


@dataclass(frozen=True)
class Holding:
    """What there is of a class, and how much comes in a day."""

    kind: Kind
    rows: int
    bytes: int
    oldest: datetime | None
    rows_a_day: float

    @property
    def row_bytes(self) -> float:
        """Return what a row takes."""
        return self.bytes / self.rows if self.rows else float(SHELVES[self.kind].row_bytes)


@dataclass(frozen=True)
class Room:
    """What the database takes. `free_inside`: given back by earlier rows, taken by the next ones."""

    used_bytes: int
    free_inside: int = 0


@dataclass(frozen=True)
class Holdings:
    """Reads what there is."""

    database: Database

    def room(self) -> Room:
        """Return how much is used; on PostgreSQL that is an estimate from the number of rows."""
        with self.database.reading() as connection:
            return _room(connection)

    def all(self, now: datetime) -> list[Holding]:
        """Return what there is of every class; sizes are shares of what the database uses."""
        with self.database.reading() as connection:
            rows = {kind: _rows(connection, shelf) for kind, shelf in SHELVES.items()}
            by_weight = sum(rows[kind] * shelf.row_bytes for kind, shelf in SHELVES.items())
            scale = min(_room(connection).used_bytes / by_weight, MOST_SCALE) if by_weight else 0.0
            return [
                Holding(
                    kind,
                    rows[kind],
                    round(rows[kind] * shelf.row_bytes * scale),
                    connection.execute(select(shelf.time).order_by(shelf.order).limit(1)).scalar(),
                    _rows_a_day(connection, shelf, now),
                )
                for kind, shelf in SHELVES.items()
            ]

    def count_before(self, kind: Kind, before: datetime) -> int:
        """Return how many rows are older; reads the whole table where no index tells."""
        shelf = SHELVES[kind]
        query = select(func.count()).select_from(shelf.table).where(shelf.time < before)
        with self.database.reading() as connection:
            return connection.execute(query).scalar_one()

    def time_of(self, kind: Kind, place: int) -> datetime | None:
        """Return the time of the n-th oldest row, from 0."""
        shelf = SHELVES[kind]
        query = select(shelf.time).order_by(shelf.order).offset(place).limit(1)
        with self.database.reading() as connection:
            found: datetime | None = connection.execute(query).scalar()
        return found


def _room(connection: Connection) -> Room:
    if connection.dialect.name != "sqlite":
        return Room(sum(_rows(connection, shelf) * shelf.row_bytes for shelf in SHELVES.values()))
    size, pages, free = (
        connection.execute(text(f"PRAGMA {name}")).scalar_one()
        for name in ("page_size", "page_count", "freelist_count")
    )
    return Room(size * (pages - free), size * free)


def _rows(connection: Connection, shelf: Shelf) -> int:
    return connection.execute(select(func.count()).select_from(shelf.table)).scalar_one()


def _rows_a_day(connection: Connection, shelf: Shelf, now: datetime) -> float:
    since = now - shelf.lately
    query = select(func.count(), func.min(shelf.recent)).where(shelf.recent >= since, shelf.recent <= now)
    count, first = connection.execute(query).one()
    return float(count / (max(now - first, SHORTEST) / timedelta(days=1))) if count else 0.0
