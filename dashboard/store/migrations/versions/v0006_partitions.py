"""On PostgreSQL events lie in monthly partitions, so that retention drops a month at once; SQLite stays as it is."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from dashboard.store.partitions import REST, Month, months_ahead

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = {
    "events_by_change": "change_seq",
    "events_by_device": "device_id, happened_at",
    "events_by_label": "label, happened_at",
    "events_by_site": "site_id, happened_at",
    "events_by_time": "happened_at",
}
# Ids that say another time (a clock years off, ids that are no UUIDv7) go to the rest.
MONTHS_BACK = 24
# The milliseconds that a UUIDv7 begins with.
_MS = "('x' || substr(replace(event_id, '-', ''), 1, 12))::bit(48)::bigint"


def upgrade() -> None:
    """Move every event into the partition of its month."""
    if op.get_bind().dialect.name != "postgresql":
        return
    months = _months_with_events(datetime.now(UTC))
    _put_aside("events_whole")
    op.execute("CREATE TABLE events (LIKE events_whole INCLUDING DEFAULTS) PARTITION BY RANGE (event_id)")
    op.execute(f"CREATE TABLE {REST} PARTITION OF events DEFAULT")
    for month in months:
        bounds = f"FROM ('{month.first_id}') TO ('{month.next.first_id}')"
        op.execute(f"CREATE TABLE {month.table} PARTITION OF events FOR VALUES {bounds}")
    _take_back("events_whole")


def downgrade() -> None:
    """Go back to one table."""
    if op.get_bind().dialect.name != "postgresql":
        return
    _put_aside("events_parted")
    op.execute("CREATE TABLE events (LIKE events_parted INCLUDING DEFAULTS)")
    _take_back("events_parted")


def _put_aside(name: str) -> None:
    for index in INDEXES:
        op.drop_index(index, "events")
    op.execute("ALTER TABLE events DROP CONSTRAINT events_pkey")
    op.rename_table("events", name)


def _take_back(name: str) -> None:
    op.execute(f"INSERT INTO events SELECT * FROM {name}")  # noqa: S608
    op.drop_table(name)
    op.execute("ALTER TABLE events ADD PRIMARY KEY (device_id, event_id)")
    for index, columns in INDEXES.items():
        op.execute(f"CREATE INDEX {index} ON events ({columns})")


def _months_with_events(now: datetime) -> list[Month]:
    newest = months_ahead(now)
    bounds = {"first": Month.of(now - timedelta(days=31 * MONTHS_BACK)).first_id, "after": newest[-1].next.first_id}
    query = sa.text(
        f"SELECT DISTINCT date_trunc('month', to_timestamp({_MS} / 1000.0) AT TIME ZONE 'UTC') "  # noqa: S608
        "FROM events WHERE event_id >= :first AND event_id < :after"
    )
    found = op.get_bind().execute(query, bounds).scalars()
    return sorted({*newest, *(Month(moment.year, moment.month) for moment in found)})
