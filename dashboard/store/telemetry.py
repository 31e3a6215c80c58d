"""Telemetry put together by 5 minutes and by hours, before what it was made of goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, func, select

from dashboard.store.columns import Upsert, insert_into
from dashboard.store.database import Database
from dashboard.store.tables import telemetry_5min, telemetry_hour, telemetry_raw

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Each row lies on a page of its own, for rows lie by camera: so many pages are written at once.
WRITTEN_AT_ONCE = 100
_raw = telemetry_raw.c
_MADE = {
    "n": func.count(),
    "cpu_pct_avg": func.avg(_raw.cpu_pct),
    "cpu_pct_max": func.max(_raw.cpu_pct),
    "rss_bytes_max": func.max(_raw.rss_bytes),
    "disk_free_bytes_min": func.min(_raw.disk_free_bytes),
    "temperature_c_max": func.max(_raw.temperature_c),
    "fps_avg": func.avg(_raw.fps),
    "dropped_frames_max": func.max(_raw.dropped_frames),
    "outbox_depth_max": func.max(_raw.outbox_depth),
    "outbox_oldest_s_max": func.max(_raw.outbox_oldest_s),
    "clock_offset_s_avg": func.avg(_raw.clock_offset_s),
}


@dataclass(frozen=True)
class Span:
    """A width of time and the table of what was measured within each such span."""

    width: timedelta
    table: Table

    def start_of(self, moment: datetime) -> datetime:
        """Return the begin of the span in which a time lies."""
        return moment - (moment - _EPOCH) % self.width


FIVE_MINUTES = Span(timedelta(minutes=5), telemetry_5min)
HOUR = Span(timedelta(hours=1), telemetry_hour)


# What is looked at as it came, and by 5 minutes; more points than that no chart shows.
LONGEST_RAW, LONGEST_5MIN = timedelta(days=2), timedelta(days=31)


def queries_for(device_id: str, after: datetime, before: datetime) -> Sequence[Select[Any]]:
    """Return how a camera's measurements in a span may be read, newest first, the finest that the span allows first."""
    queries = [
        select(telemetry_raw).where(*_within(_raw.device_id, _raw.received_at, device_id, (after, before))),
        *(_as_measured(span.table, device_id, (after, before)) for span in (FIVE_MINUTES, HOUR)),
    ]
    asked = before - after
    first = 0 if asked <= LONGEST_RAW else 1 if asked <= LONGEST_5MIN else 2
    return [query.order_by(query.selected_columns.received_at.desc()) for query in queries[first:]]


def _as_measured(table: Table, device_id: str, span: tuple[datetime, datetime]) -> Select[Any]:
    column = table.c
    return select(
        column.bucket_start.label("received_at"),
        column.cpu_pct_avg.label("cpu_pct"),
        column.rss_bytes_max.label("rss_bytes"),
        column.disk_free_bytes_min.label("disk_free_bytes"),
        column.fps_avg.label("fps"),
        column.outbox_depth_max.label("outbox_depth"),
    ).where(*_within(column.device_id, column.bucket_start, device_id, span))


def _within(
    device: Column[Any], time: Column[Any], device_id: str, span: tuple[datetime, datetime]
) -> tuple[ColumnElement[bool], ...]:
    return device == device_id, time >= span[0], time < span[1]


@dataclass(frozen=True)
class Aggregates:
    """Makes and keeps them."""

    database: Database

    def newest(self, span: Span) -> datetime | None:
        """Return the begin of the newest span that was put together."""
        with self.database.reading() as connection:
            found: datetime | None = connection.execute(select(func.max(span.table.c.bucket_start))).scalar()
        return found

    def first_measured(self, since: datetime) -> datetime | None:
        """Return when the first measurement at or after a time arrived."""
        query = select(func.min(_raw.received_at)).where(_raw.received_at >= since)
        with self.database.reading() as connection:
            found: datetime | None = connection.execute(query).scalar()
        return found

    def put_together(self, span: Span, start: datetime) -> int:
        """Keep what each camera measured in one span; returns for how many. Doing it again does no harm.

        What was made of more measurements stays: some of them may have gone since.
        """
        made = [column.label(name) for name, column in _MADE.items()]
        within = (_raw.received_at >= start, _raw.received_at < start + span.width)
        query = select(_raw.device_id, *made).where(*within).group_by(_raw.device_id)
        with self.database.reading() as connection:
            rows = [{**row, "bucket_start": start} for row in connection.execute(query).mappings()]
        for first in range(0, len(rows), WRITTEN_AT_ONCE):
            self._write(span.table, rows[first : first + WRITTEN_AT_ONCE])
        return len(rows)

    def _write(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        with self.database.sweeping() as connection:
            connection.execute(_fuller(table, self.database.is_sqlite), list(rows))
        self.database.move_log()


@cache
def _fuller(table: Table, is_sqlite: bool) -> Upsert:
    """Return the statement that keeps aggregates unless there are some of more measurements; making it is garbage."""
    statement = insert_into(table, is_sqlite=is_sqlite)
    return statement.on_conflict_do_update(
        index_elements=[table.c.device_id, table.c.bucket_start],
        set_={name: statement.excluded[name] for name in _MADE},
        where=statement.excluded.n >= table.c.n,
    )
