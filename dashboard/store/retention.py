"""Take the oldest of a class away a few rows at a time, so that nobody waits for it."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Column, Select, and_, bindparam, delete, func, insert, select

from dashboard.store.database import Database
from dashboard.store.holdings import SHELVES, Kind, Shelf
from dashboard.store.tables import retention_runs

RUNS_KEPT = timedelta(days=400)


@dataclass(frozen=True)
class Doomed:
    """Rows that may go: those older than `before` from `first` to `last` in the shelf's order, or these keys.

    `is_last`: there are no more after them.
    """

    before: datetime
    rows: int
    first: Any
    last: Any
    keys: list[dict[str, Any]]
    is_last: bool


@dataclass(frozen=True)
class Run:
    """What one run took away of a class."""

    kind: Kind
    deleted: int
    bytes: int
    oldest_kept: datetime | None


@dataclass(frozen=True)
class Removal:
    """The only deletions of what cameras said."""

    database: Database

    @property
    def is_in_the_way(self) -> bool:
        """Say whether others cannot write while rows are deleted; PostgreSQL locks those rows only."""
        return self.database.is_sqlite

    def oldest(self, kind: Kind, before: datetime, most: int, beyond: Any = None) -> Doomed:
        """Return rows older than `before` among the `most` first after `beyond`.

        Events lie in the order of their last change, which is that of their arrival but for few: the search for old
        ones ends where a whole look finds none.
        """
        shelf = SHELVES[kind]
        keys = [] if shelf.is_cut_by_range else _keys(shelf)
        query = select(*keys, shelf.order.label("order_"), shelf.time.label("at_")).order_by(shelf.order).limit(most)
        if shelf.is_in_order_of_time:
            query = query.where(shelf.time < before)
        if beyond is not None:
            # PostgreSQL walks over every row that went since the last VACUUM, unless it is told where to begin.
            query = query.where(shelf.order >= beyond if shelf.is_in_order_of_time else shelf.order > beyond)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        old = [row for row in rows if row.at_ < before]
        found = [{f"key_{key.name}": getattr(row, key.name) for key in keys} for row in old]
        first, last = (rows[0].order_, rows[-1].order_) if rows else (None, None)
        return Doomed(before, len(old), first, last, found, is_last=not old or len(rows) < most)

    def fetch(self, kind: Kind, doomed: Doomed) -> None:
        """Read the pages that deleting these rows will change, so that the lock is not held while the disk is read.

        In most indexes they lie apart, each on a page that perhaps nobody read for months.
        """
        shelf = SHELVES[kind]
        if not (self.database.is_sqlite and shelf.is_cut_by_range):
            return
        span = {"first": doomed.first, "last": doomed.last}
        with self.database.reading() as connection:
            for places in _places(kind):
                connection.execute(places, span).scalar_one()

    def delete(self, kind: Kind, doomed: Doomed) -> tuple[int, float]:
        """Delete these rows in one transaction unless they changed since; returns how many, and seconds it was held."""
        shelf = SHELVES[kind]
        if shelf.is_cut_by_range:
            span = shelf.order.between(doomed.first, doomed.last)
            statement = delete(shelf.table).where(span, shelf.time < doomed.before)
        else:
            statement = delete(shelf.table).where(*(key == bindparam(f"key_{key.name}") for key in _keys(shelf)))
        options = {"preserve_rowcount": True}
        with self.database.sweeping() as connection:
            began = time.monotonic()
            gone = connection.execute(statement, doomed.keys or None, execution_options=options).rowcount
        held_s = time.monotonic() - began
        self.database.move_log()
        return gone, held_s

    def note(self, runs: Sequence[Run], now: datetime) -> None:
        """Keep what a run did, a line for each class of which something went."""
        rows = [
            {
                "ran_at": now,
                "class": run.kind.value,
                "deleted": run.deleted,
                "bytes": run.bytes,
                "oldest_kept": run.oldest_kept,
            }
            for run in runs
        ]
        if not rows:
            return
        with self.database.taking_away() as connection:
            connection.execute(delete(retention_runs).where(retention_runs.c.ran_at < now - RUNS_KEPT))
            connection.execute(insert(retention_runs), rows)

    def noted(self, limit: int) -> list[dict[str, Any]]:
        """Return what runs did, the newest first."""
        query = select(retention_runs).order_by(retention_runs.c.id.desc()).limit(limit)
        with self.database.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


@cache
def _places(kind: Kind) -> list[Select[Any]]:
    """Return the queries that look up each row of a range in each index; that of the order itself was just walked."""
    shelf = SHELVES[kind]
    indexes = [shelf.table.primary_key.columns, *(index.columns for index in shelf.table.indexes)]
    return [_places_in(columns, shelf) for columns in indexes if columns.keys() != [shelf.order.key]]


def _places_in(columns: Iterable[Column[Any]], shelf: Shelf) -> Select[Any]:
    entry = shelf.table.alias()
    is_its = and_(*(entry.c[column.name].is_not_distinct_from(column) for column in columns))
    looked_up = select(func.count()).select_from(shelf.table.join(entry, is_its))
    return looked_up.where(shelf.order.between(bindparam("first"), bindparam("last")))


def _keys(shelf: Shelf) -> list[Column[Any]]:
    """Return what names a row as it is now: a payload that came again is another."""
    columns = list(shelf.table.primary_key.columns)
    return columns if shelf.order in columns else [*columns, shelf.order]
