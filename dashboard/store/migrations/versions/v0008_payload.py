"""An event keeps what its camera said as it said it: one text in place of a column for each of its fields.

The table is made anew, row by row: a row that is changed in place would keep the room of both, and SQLite's file would
grow to twice its size. A million events take about a minute and, while it runs, room for the table a second time.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from dashboard.store.columns import Document, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Row = dict[str, Any]
ROWS_AT_ONCE = 1_000
REMADE = "events_remade"
INDEXES = {
    "events_by_change": ["change_seq"],
    "events_by_device": ["device_id", "happened_at"],
    "events_by_label": ["label", "happened_at"],
    "events_by_site": ["site_id", "happened_at"],
    "events_by_time": ["happened_at"],
}
KEY = ("device_id", "event_id")
# What has a column of its own before and after.
KEPT: dict[str, Any] = {
    "device_id": sa.String(64),
    "event_id": sa.String(36),
    "change_seq": sa.BigInteger(),
    "rev": sa.BigInteger(),
    "site_id": sa.String(80),
    "stream": sa.String(40),
    "label": sa.String(80),
    "clock_suspect": sa.Boolean(),
    "received_at": UtcDateTime(),
    "happened_at": UtcDateTime(),
}
SPREAD: dict[str, Any] = {
    "change": sa.String(8),
    "outbox": sa.String(36),
    **dict.fromkeys(("session", "seq", "track_id", "lost"), sa.BigInteger()),
    **dict.fromkeys(("score", "best_score", "aspect"), sa.Float()),
    **dict.fromkeys(("box", "best_box", "zones", "path"), Document),
    **dict.fromkeys(("ts", "started_at", "ended_at", "frame_ts"), UtcDateTime()),
}
OPTIONAL = {"site_id", "ended_at", "aspect", "lost"}
# In the order in which agents write them.
SAID = (
    *("ts", "session", "outbox", "seq", "event_id", "rev", "change", "track_id", "label", "score", "box", "best_box"),
    *("best_score", "started_at", "ended_at", "frame_ts", "aspect", "zones", "path", "lost"),
)
# As JSON writes it; after an odd number of backslashes it is not it.
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
PARTITIONS = (
    "SELECT child.relname, pg_get_expr(child.relpartbound, child.oid) FROM pg_inherits "
    "JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = 'events'::regclass"
)


def upgrade() -> None:
    """Write each event's payload from its columns, which then go."""
    _remake(KEPT | SPREAD, KEPT | {"payload": sa.Text()}, lambda row: {"payload": _payload_of(row)})


def downgrade() -> None:
    """Give each field its column again."""
    fields_of = _fields_for_postgres if _is_postgres() else _fields_of
    _remake(KEPT | {"payload": sa.Text()}, KEPT | SPREAD, lambda row: fields_of(row["payload"]))


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _remake(before: Row, after: Row, made_of: Callable[[Row], Row]) -> None:
    """Fill a new table with the rows of the old one, which it replaces; nobody else is at the database meanwhile."""
    columns = [sa.Column(name, kind, nullable=name in OPTIONAL) for name, kind in after.items()]
    if _is_postgres():
        _remake_parts(columns, lambda: _copy(before, after, made_of))
    else:
        op.create_table(REMADE, *columns, sa.PrimaryKeyConstraint(*KEY))
        _copy(before, after, made_of)
        op.drop_table("events")
        op.rename_table(REMADE, "events")
    for name, indexed in INDEXES.items():
        op.create_index(name, "events", indexed)


def _remake_parts(columns: list[sa.Column[Any]], copy: Callable[[], None]) -> None:
    parts = op.get_bind().execute(sa.text(PARTITIONS)).all()
    op.create_table(REMADE, *columns, postgresql_partition_by="RANGE (event_id)")
    for name, bounds in parts:
        op.execute(f"CREATE TABLE remade_{name} PARTITION OF {REMADE} {bounds}")
    copy()
    op.drop_table("events")
    for name, _ in parts:
        op.rename_table(f"remade_{name}", name)
    op.rename_table(REMADE, "events")
    op.create_primary_key("events_pkey", "events", [*KEY])


def _copy(before: Row, after: Row, made_of: Callable[[Row], Row]) -> None:
    rows = sa.select(*(sa.column(name, kind) for name, kind in before.items())).select_from(sa.table("events"))
    add = sa.table(REMADE, *(sa.column(name, kind) for name, kind in after.items())).insert()
    found = op.get_bind().execute(rows, execution_options={"yield_per": ROWS_AT_ONCE}).mappings()
    for some in found.partitions():
        op.get_bind().execute(add, [_made(dict(row), made_of) for row in some])


def _made(row: Row, made_of: Callable[[Row], Row]) -> Row:
    return {name: row[name] for name in KEPT} | made_of(row)


def _payload_of(row: Row) -> str:
    present = {name: row[name] for name in SAID if row[name] is not None}
    return msgspec.json.encode({"v": 1, **present}).decode()


def _fields_of(payload: str) -> Row:
    said = msgspec.json.decode(payload)
    return {name: _value(said.get(name), kind) for name, kind in SPREAD.items()}


def _fields_for_postgres(payload: str) -> Row:
    """Leave out the one character that its documents cannot hold: no camera keeps anybody from going back."""
    return _fields_of(NUL.sub(r"\1", payload))


def _value(said: Any, kind: Any) -> Any:
    return datetime.fromisoformat(said) if isinstance(kind, UtcDateTime) and said is not None else said
