"""The audit log of 0.2.0 is a chain of hashes, with signed checkpoints for what retention cut."""

import sqlalchemy as sa
from alembic import op

from dashboard.store.columns import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the hashes (lines of before have none: the chain begins after them) and the checkpoints."""
    op.add_column("audit", sa.Column("previous_hash", sa.LargeBinary(32)))
    op.add_column("audit", sa.Column("hash", sa.LargeBinary(32)))
    op.create_table(
        "audit_checkpoints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("up_to_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Go back to a log without hashes."""
    op.drop_table("audit_checkpoints")
    op.drop_column("audit", "hash")
    op.drop_column("audit", "previous_hash")
