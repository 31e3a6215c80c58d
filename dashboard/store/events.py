"""Questions about stored events: pages of a filtered list, and what changed after a change_seq."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, literal_column, or_, select, union_all

from dashboard.store.database import Database
from dashboard.store.payload import all_whole
from dashboard.store.tables import cameras, events

EventRow = dict[str, Any]
# Of so many sites the newest are merged, a walk through each one's index; of more, the index by time meets them soon.
MOST_MERGED = 20


@dataclass(frozen=True)
class Place:
    """Where a page of a list ended."""

    happened_at: datetime
    event_id: str


@dataclass(frozen=True)
class EventFilter:
    """Which events; unset fields do not restrict. `below` asks for the page after the one that ended there.

    `sites` are those that the asker may see.
    """

    camera: str | None = None
    label: str | None = None
    site: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    below: Place | None = None
    sites: frozenset[str] | None = None

    @property
    def merged_sites(self) -> list[str]:
        """Return the sites whose lists are merged, because no other filter has an index of its own to follow."""
        if self.sites is None or self.site or self.camera or self.label or not 1 < len(self.sites) <= MOST_MERGED:
            return []
        return sorted(self.sites)


@dataclass(frozen=True)
class Events:
    """Reads events; each row carries the name of its camera."""

    database: Database

    def newest_first(self, wanted: EventFilter, limit: int) -> list[EventRow]:
        """Return at most `limit` events, the last that happened first."""
        with self.database.reading() as connection:
            query = page(wanted, limit, is_led=self.database.is_sqlite)
            found = all_whole(connection.execute(query).mappings())
            names = _names(connection, {row["device_id"] for row in found})
        return [{**row, "camera_name": names.get(row["device_id"])} for row in found]


def place_of(row: EventRow) -> Place:
    """Return where a page that ends with this row ends."""
    return Place(row["happened_at"], row["event_id"])


def page(wanted: EventFilter, limit: int, *, is_led: bool) -> Select[Any] | CompoundSelect[Any]:
    """Return the query for one page; every one of its kind follows an index and stops after `limit` rows.

    `is_led`: for SQLite, which counts nothing: it is told which index to follow, and takes from sorted lists by turns.
    PostgreSQL knows how often what occurs; only sorted lists are cut to a page for it first.
    """
    conditions = _conditions(wanted, is_led)
    if not wanted.merged_sites:
        return _newest(conditions, limit)
    lists = [[events.c.site_id == site, *conditions] for site in wanted.merged_sites]
    queries = [select(events).where(*one) if is_led else select(_newest(one, limit).subquery()) for one in lists]
    merged = union_all(*queries)
    columns = merged.selected_columns
    return merged.order_by(columns.happened_at.desc(), columns.event_id.desc()).limit(limit)


def _newest(conditions: list[ColumnElement[bool]], limit: int) -> Select[Any]:
    return (
        select(events).where(*conditions).order_by(events.c.happened_at.desc(), events.c.event_id.desc()).limit(limit)
    )


def changed_after(change_seq: int) -> Select[Any]:
    """Return the query for events that changed after `change_seq`, in the order of their change."""
    joined = events.outerjoin(cameras, cameras.c.device_id == events.c.device_id)
    named = select(events, cameras.c.name.label("camera_name")).select_from(joined)
    return named.where(events.c.change_seq > change_seq).order_by(events.c.change_seq)


def _names(connection: Connection, device_ids: set[str]) -> dict[str, str | None]:
    query = select(cameras.c.device_id, cameras.c.name).where(cameras.c.device_id.in_(sorted(device_ids)))
    return {row.device_id: row.name for row in connection.execute(query)}


def _conditions(wanted: EventFilter, is_led: bool) -> list[ColumnElement[bool]]:
    """Return what must be true of an event; of camera, site and label the first one given leads."""
    column = events.c
    asked = ((column.device_id, wanted.camera), (column.site_id, wanted.site), (column.label, wanted.label))
    given = [(of, value) for of, value in asked if value is not None]
    conditions = [(_passed_by(of) if is_led and place else of) == value for place, (of, value) in enumerate(given)]
    if wanted.after is not None:
        conditions.append(column.happened_at >= wanted.after)
    if wanted.before is not None:
        conditions.append(column.happened_at < wanted.before)
    if wanted.sites is not None and not wanted.merged_sites:
        is_leading = not given and len(wanted.sites) == 1
        site = _passed_by(column.site_id) if is_led and not is_leading else column.site_id
        conditions.append(site.in_(sorted(wanted.sites)))
    if wanted.below is not None:
        conditions += _below(wanted.below)
    return conditions


def _passed_by(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column's value, which no index is entered by: SQLite's unary plus."""
    return literal_column(f"+events.{column.key}", column.type)


def _below(place: Place) -> list[ColumnElement[bool]]:
    column = events.c
    # The first condition is the second's, said so that an index can be entered there.
    earlier = or_(column.happened_at < place.happened_at, column.event_id < place.event_id)
    return [column.happened_at <= place.happened_at, earlier]
