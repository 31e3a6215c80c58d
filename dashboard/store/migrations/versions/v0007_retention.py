"""Retention finds the oldest of quarantine by an index: its payloads are too large to look through."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index quarantine by time."""
    op.create_index("quarantine_by_time", "quarantine", ["received_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("quarantine_by_time", "quarantine")
