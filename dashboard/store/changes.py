"""What changed after a change_seq: the live feed's only question."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from dashboard.store.cameras import CameraRow, cameras_changed_after
from dashboard.store.database import Database
from dashboard.store.events import EventRow, changed_after
from dashboard.store.payload import all_whole
from dashboard.store.tables import cameras, change_counter, events


@dataclass(frozen=True)
class ChangeSet:
    """Everything that changed after one change_seq, up to `last`."""

    last: int
    cameras: list[CameraRow]
    events: list[EventRow]

    def at(self, sites: frozenset[str]) -> "ChangeSet":
        """Return what of it is at these sites."""
        return ChangeSet(
            self.last,
            [camera for camera in self.cameras if camera.site_id in sites],
            [event for event in self.events if event["site_id"] in sites],
        )


class Changes:
    """Follows the store, with a connection of its own: SQLite's "did anything change" is told per connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watch: Any = None
        self._version: int | None = None

    def newest(self) -> int:
        """Return the newest committed change_seq."""
        with self._database.reading() as connection:
            return _newest(connection)

    def may_have_come(self) -> bool:
        """Say whether anything was committed since the last call; on PostgreSQL always yes."""
        if not self._database.is_sqlite:
            return True
        version = self._data_version()
        changed, self._version = version != self._version, version
        return changed

    def count_after(self, change_seq: int) -> int:
        """Return how many cameras and events changed after `change_seq`."""
        with self._database.reading() as connection:
            return sum(
                connection.execute(
                    select(func.count()).select_from(table).where(table.c.change_seq > change_seq)
                ).scalar_one()
                for table in (cameras, events)
            )

    def after(self, change_seq: int) -> ChangeSet:
        """Return everything that changed after `change_seq`; empty lists when nothing did."""
        with self._database.reading() as connection:
            last = _newest(connection)
            if last <= change_seq:
                return ChangeSet(last, [], [])
            rows = connection.execute(changed_after(change_seq)).mappings()
            return ChangeSet(last, cameras_changed_after(connection, change_seq), all_whole(rows))

    def _data_version(self) -> int:
        if self._watch is None:
            self._watch = self._database.watching_connection()
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])


def _newest(connection: Connection) -> int:
    value: int = connection.execute(select(change_counter.c.value)).scalar_one()
    return value
