"""PostgreSQL's monthly partitions over time: made before they are needed, dropped when everything in them is old."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.partitions import Month, add_month, months_ahead, stored_months

# Dropping needs the table for itself for a moment; whoever reads or writes it meanwhile must not wait for us.
LOCK_WAIT = "50ms"


@dataclass(frozen=True)
class Months:
    """The partitions of events; on SQLite there are none, and nothing is done."""

    database: Database

    def make_ahead(self, now: datetime) -> list[Month]:
        """Make the partitions of this month and the next ones; returns those that were missing."""
        missing = self._missing(now)
        for month in missing:
            with self.database.writing() as connection:
                add_month(connection, month)
        return missing

    def drop_older(self, before: datetime, now: datetime) -> int:
        """Drop every past month in which all rows came before a time; returns how many rows went with them.

        A month that somebody uses at this moment is left for the next time.
        """
        with self.database.reading() as connection:
            months = [month for month in stored_months(connection) if month.next.start <= min(before, now)]
        return sum(self._drop(month, before) for month in months)

    def _missing(self, now: datetime) -> list[Month]:
        if self.database.is_sqlite:
            return []
        with self.database.reading() as connection:
            stored = stored_months(connection)
        return [month for month in months_ahead(now) if month not in stored]

    def _drop(self, month: Month, before: datetime) -> int:
        with self.database.reading() as connection:
            # The long look is without a lock; what changed during it is looked for under the lock.
            rows, newest = connection.execute(text(f"SELECT count(*), max(received_at) FROM {month.table}")).one()  # noqa: S608
            seen = connection.execute(text("SELECT value FROM change_counter")).scalar_one()
        if rows and newest >= before:
            return 0
        try:
            with self.database.writing() as connection:
                if _is_unchanged(connection, month, seen):
                    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
                    connection.execute(text(f"DROP TABLE {month.table}"))
                    return int(rows)
        except StoreUnavailable:
            return 0
        return 0


def _is_unchanged(connection: Connection, month: Month, seen: int) -> bool:
    query = text(f"SELECT NOT EXISTS (SELECT 1 FROM {month.table} WHERE change_seq > :seen)")  # noqa: S608
    return bool(connection.execute(query, {"seen": seen}).scalar_one())
