"""Questions about stored events: pages of a filtered list, and what changed after a change_seq."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from dashboard.store.database import Database
from dashboard.store.tables import cameras, events

EventRow = dict[str, Any]


@dataclass(frozen=True)
class EventFilter:
    """Which events; unset fields do not restrict. `below` is a change_seq: the page after the one that ended there.

    `sites` are those that the asker may see.
    """

    camera: str | None = None
    label: str | None = None
    site: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    below: int | None = None
    sites: frozenset[str] | None = None


@dataclass(frozen=True)
class Events:
    """Reads events; each row carries the name of its camera."""

    database: Database

    def newest_first(self, wanted: EventFilter, limit: int) -> list[EventRow]:
        """Return at most `limit` events, the latest change first."""
        query = _with_name().where(*_conditions(wanted)).order_by(events.c.change_seq.desc()).limit(limit)
        with self.database.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def changed_after(change_seq: int) -> Select[Any]:
    """Return the query for events that changed after `change_seq`, in the order of their change."""
    return _with_name().where(events.c.change_seq > change_seq).order_by(events.c.change_seq)


def _with_name() -> Select[Any]:
    joined = events.outerjoin(cameras, cameras.c.device_id == events.c.device_id)
    return select(events, cameras.c.name.label("camera_name")).select_from(joined)


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    column = events.c
    equal = {column.device_id: wanted.camera, column.label: wanted.label, column.site_id: wanted.site}
    conditions = [of == value for of, value in equal.items() if value is not None]
    if wanted.after is not None:
        conditions.append(column.started_at >= wanted.after)
    if wanted.before is not None:
        conditions.append(column.started_at < wanted.before)
    if wanted.sites is not None:
        conditions.append(column.site_id.in_(sorted(wanted.sites)))
    if wanted.below is not None:
        conditions.append(column.change_seq < wanted.below)
    return conditions
