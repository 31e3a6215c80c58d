"""The index of a label's events knows their sites, so that those of other sites are passed by unread."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index anew with the site in it."""
    _make_anew("label", "happened_at", "site_id")


def downgrade() -> None:
    """Make it anew without."""
    _make_anew("label", "happened_at")


def _make_anew(*columns: str) -> None:
    op.drop_index("events_by_label", table_name="events")
    op.create_index("events_by_label", "events", list(columns))
