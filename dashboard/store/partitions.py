"""PostgreSQL keeps events in a partition for each month of their ids (a UUIDv7 begins with its time), and the rest."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from dashboard.store.tables import events

REST = "events_rest"
# This month and so many after it have their partition before an event comes.
MONTHS_AHEAD = 2
_NAME = re.compile(r"events_y(\d{4})m(\d{2})")


@dataclass(frozen=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """Return the month of a time."""
        at = moment.astimezone(UTC)
        return cls(at.year, at.month)

    @property
    def table(self) -> str:
        """Return the name of its partition."""
        return f"events_y{self.year:04d}m{self.number:02d}"

    @property
    def start(self) -> datetime:
        """Return its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def next(self) -> "Month":
        """Return the month after it."""
        return Month.of(self.start + timedelta(days=31))

    @property
    def first_id(self) -> str:
        """Return the least event id of it."""
        digits = f"{int(self.start.timestamp() * 1000):012x}"
        return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


def is_partition(table: str) -> bool:
    """Say whether a table is a part of events."""
    return table == REST or month_of(table) is not None


def month_of(table: str) -> Month | None:
    """Return the month of a partition; None for the rest and for other tables."""
    found = _NAME.fullmatch(table)
    return Month(int(found[1]), int(found[2])) if found else None


def months_ahead(now: datetime) -> list[Month]:
    """Return the months whose partitions should be there."""
    months = [Month.of(now)]
    while len(months) <= MONTHS_AHEAD:
        months.append(months[-1].next)
    return months


def stored_months(connection: Connection) -> list[Month]:
    """Return the months that have a partition, the oldest first; none on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    children = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass"
    found = [month_of(name) for name in connection.execute(text(children)).scalars()]
    return sorted(month for month in found if month)


def add_month(connection: Connection, month: Month) -> None:
    """Give a month its partition; events of it that came before there was one move there."""
    columns = ", ".join(column.name for column in events.columns)
    bounds = {"first": month.first_id, "after": month.next.first_id}
    connection.execute(text(f"CREATE TABLE {month.table} (LIKE events INCLUDING DEFAULTS INCLUDING INDEXES)"))
    taken = f"DELETE FROM {REST} WHERE event_id >= :first AND event_id < :after RETURNING {columns}"  # noqa: S608
    moved = f"WITH taken AS ({taken}) INSERT INTO {month.table} ({columns}) SELECT {columns} FROM taken"  # noqa: S608
    connection.execute(text(moved), bounds)
    attach = f"ALTER TABLE events ATTACH PARTITION {month.table} FOR VALUES FROM ('{{first}}') TO ('{{after}}')"
    connection.execute(text(attach.format(**bounds)))
