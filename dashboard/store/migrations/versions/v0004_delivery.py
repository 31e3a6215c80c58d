"""What delivery of 0.3.0 keeps: aggregates of telemetry, cursors of the forwarder, a line for each run of retention."""

import sqlalchemy as sa
from alembic import op

from dashboard.store.columns import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; nothing that is there changes."""
    for name in ("telemetry_5min", "telemetry_hour"):
        _create_aggregates(name)
    op.create_table(
        "forward_cursors",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("error", sa.String(length=200)),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ran_at", UtcDateTime(), nullable=False),
        sa.Column("class", sa.String(length=20), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("oldest_kept", UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Go back to raw telemetry only, without forwarding."""
    for name in ("retention_runs", "forward_cursors", "telemetry_hour", "telemetry_5min"):
        op.drop_table(name)


def _create_aggregates(name: str) -> None:
    op.create_table(
        name,
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("bucket_start", UtcDateTime(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("cpu_pct_avg", sa.Float(), nullable=False),
        sa.Column("cpu_pct_max", sa.Float(), nullable=False),
        sa.Column("rss_bytes_max", sa.BigInteger(), nullable=False),
        sa.Column("disk_free_bytes_min", sa.BigInteger(), nullable=False),
        sa.Column("temperature_c_max", sa.Float()),
        sa.Column("fps_avg", sa.Float(), nullable=False),
        sa.Column("dropped_frames_max", sa.BigInteger(), nullable=False),
        sa.Column("outbox_depth_max", sa.BigInteger(), nullable=False),
        sa.Column("outbox_oldest_s_max", sa.Float(), nullable=False),
        sa.Column("clock_offset_s_avg", sa.Float()),
        sa.PrimaryKeyConstraint("device_id", "bucket_start"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"{name}_by_time", name, ["bucket_start"])
