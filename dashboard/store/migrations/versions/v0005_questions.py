"""Indexes for the questions that the pages ask: newest first by when it happened, in all, by camera, site and label."""

import sqlalchemy as sa
from alembic import op

from dashboard.store.columns import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What each release asked: until 0.2.0 in the order of changes.
BEFORE = {
    "events_by_change": (["change_seq"], True),
    "events_by_device": (["device_id", "change_seq"], False),
    "events_by_label": (["label", "change_seq"], False),
    "events_by_site": (["site_id", "change_seq"], False),
    "events_by_start": (["started_at"], False),
}
NOW = {
    "events_by_change": (["change_seq"], False),
    "events_by_device": (["device_id", "happened_at"], False),
    "events_by_label": (["label", "happened_at"], False),
    "events_by_site": (["site_id", "happened_at"], False),
    "events_by_time": (["happened_at"], False),
}


def upgrade() -> None:
    """Say of every event when it happened, and index that."""
    _drop(BEFORE)
    op.add_column("events", sa.Column("happened_at", UtcDateTime()))
    op.execute(
        "UPDATE events SET happened_at = CASE WHEN started_at > received_at THEN received_at ELSE started_at END"
    )
    with op.batch_alter_table("events") as events:
        events.alter_column("happened_at", existing_type=UtcDateTime(), nullable=False)
    _create(NOW)


def downgrade() -> None:
    """Go back to lists in the order of changes."""
    _drop(NOW)
    op.drop_column("events", "happened_at")
    _create(BEFORE)


def _create(indexes: dict[str, tuple[list[str], bool]]) -> None:
    for name, (columns, is_unique) in indexes.items():
        op.create_index(name, "events", columns, unique=is_unique)


def _drop(indexes: dict[str, tuple[list[str], bool]]) -> None:
    for name in indexes:
        op.drop_index(name, "events")
