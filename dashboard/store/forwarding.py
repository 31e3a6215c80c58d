"""How far each target of the forwarder has taken what was stored, and what comes next for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from dashboard.store.columns import insert_into
from dashboard.store.database import Database
from dashboard.store.events import EventRow, changed_after
from dashboard.store.payload import all_whole
from dashboard.store.tables import change_counter, events, forward_cursors

# Nobody needs to know exactly how many more than this wait, and counting a million costs ingest its disk.
MOST_COUNTED = 100_000
LONGEST_ERROR = 200


@dataclass(frozen=True)
class Cursor:
    """Everything up to `change_seq` was taken. With an `error` the target is stopped until a person goes on."""

    name: str
    change_seq: int
    updated_at: datetime
    error: str | None


@dataclass(frozen=True)
class Page:
    """The next events of a target in the order of their change; none: it has everything."""

    cursor: Cursor
    events: list[EventRow]


@dataclass(frozen=True)
class Lag:
    """How many events wait (at most MOST_COUNTED are counted), and when the first of them arrived."""

    events: int
    oldest_received_at: datetime | None


class NoSuchTarget(Exception):
    """No target of this name has a cursor."""


@dataclass(frozen=True)
class Forwarding:
    """Reads events in the order of `change_seq` for targets that each have a cursor of their own."""

    database: Database

    def newest(self) -> int:
        """Return the newest committed change_seq."""
        with self.database.reading() as connection:
            return _newest(connection)

    def cursors(self) -> list[Cursor]:
        """Return every target that there ever was, by name."""
        with self.database.reading() as connection:
            rows = connection.execute(select(forward_cursors).order_by(forward_cursors.c.name)).mappings()
            return [Cursor(**row) for row in rows]

    def begin(self, name: str, now: datetime) -> None:
        """Give a target that is new a cursor at the newest change; one that is known keeps its own."""
        with self.database.taking_away() as connection:
            row = {"name": name, "change_seq": _newest(connection), "updated_at": now, "error": None}
            connection.execute(
                insert_into(forward_cursors, is_sqlite=self.database.is_sqlite).on_conflict_do_nothing(), row
            )

    def next_page(self, name: str, most: int) -> Page:
        """Return what a target has not taken yet; raises NoSuchTarget."""
        with self.database.reading() as connection:
            cursor = _cursor(connection, name)
            rows = connection.execute(changed_after(cursor.change_seq).limit(most)).mappings()
            return Page(cursor, all_whole(rows))

    def advance(self, cursor: Cursor, change_seq: int, now: datetime) -> bool:
        """Note durably that everything up to `change_seq` was taken; False when somebody moved the cursor meanwhile."""
        return self._move(cursor, {"change_seq": change_seq, "updated_at": now})

    def stop(self, cursor: Cursor, reason: str, now: datetime) -> bool:
        """Note why a target takes no more; False when somebody moved the cursor meanwhile."""
        return self._move(cursor, {"error": reason[:LONGEST_ERROR], "updated_at": now})

    def rewind(self, name: str, change_seq: int, now: datetime) -> None:
        """Let a target go on after `change_seq`, also one that was stopped; raises NoSuchTarget."""
        with self.database.taking_away() as connection:
            moved = {"change_seq": change_seq, "updated_at": now, "error": None}
            changed = forward_cursors.update().where(forward_cursors.c.name == name).values(moved)
            if connection.execute(changed).rowcount == 0:
                raise NoSuchTarget(name)

    def lag(self, name: str) -> Lag:
        """Return what waits for a target; raises NoSuchTarget."""
        with self.database.reading() as connection:
            waiting = events.c.change_seq > _cursor(connection, name).change_seq
            counted = select(events.c.change_seq).where(waiting).limit(MOST_COUNTED).subquery()
            count: int = connection.execute(select(func.count()).select_from(counted)).scalar_one()
            first = select(events.c.received_at).where(waiting).order_by(events.c.change_seq).limit(1)
            return Lag(count, connection.execute(first).scalar())

    def _move(self, cursor: Cursor, values: dict[str, Any]) -> bool:
        column = forward_cursors.c
        as_read = (column.name == cursor.name, column.change_seq == cursor.change_seq, column.error.is_(None))
        # Nobody follows cursors by change_seq: no need to take a turn among the writers of events.
        with self.database.taking_away() as connection:
            return connection.execute(forward_cursors.update().where(*as_read).values(values)).rowcount == 1


def _cursor(connection: Connection, name: str) -> Cursor:
    found = connection.execute(select(forward_cursors).where(forward_cursors.c.name == name)).mappings().one_or_none()
    if found is None:
        raise NoSuchTarget(name)
    return Cursor(**found)


def _newest(connection: Connection) -> int:
    value: int = connection.execute(select(change_counter.c.value)).scalar_one()
    return value
