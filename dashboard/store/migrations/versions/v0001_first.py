"""The first schema: events, cameras and their telemetry, quarantine, people."""

import sqlalchemy as sa
from alembic import op

from dashboard.store.columns import Document, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "audit",
    "cameras",
    "change_counter",
    "events",
    "probes",
    "quarantine",
    "sessions",
    "streams",
    "telemetry_raw",
    "users",
)


def upgrade() -> None:
    """Make every table and the counter's only row."""
    _create_audit()
    _create_cameras()
    _create_change_counter()
    _create_events()
    _create_probes()
    _create_quarantine()
    _create_sessions()
    _create_streams()
    _create_telemetry_raw()
    _create_users()
    op.execute("INSERT INTO change_counter (id, value) VALUES (1, 0)")


def downgrade() -> None:
    """Drop everything."""
    for table in TABLES:
        op.drop_table(table)


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("user_name", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=64)),
        sa.Column("request_id", sa.String(length=36)),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"])


def _create_cameras() -> None:
    op.create_table(
        "cameras",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200)),
        sa.Column("site_id", sa.String(length=80)),
        sa.Column("site_name", sa.String(length=200)),
        sa.Column("time_zone", sa.String(length=80)),
        sa.Column("group_name", sa.String(length=80)),
        sa.Column("state", sa.String(length=80)),
        sa.Column("stream_facts", Document),
        sa.Column("presence", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40)),
        sa.Column("since", UtcDateTime()),
        sa.Column("last_seen_at", UtcDateTime()),
        sa.Column("session", sa.BigInteger()),
        sa.Column("software", sa.String(length=80)),
        sa.Column("certificate_not_after", UtcDateTime()),
        sa.Column("birth", Document),
        sa.Column("health_interval_s", sa.Float()),
        sa.Column("health_at", UtcDateTime()),
        sa.Column("health", Document),
        sa.PrimaryKeyConstraint("device_id"),
    )
    op.create_index("cameras_by_change", "cameras", ["change_seq"])


def _create_change_counter() -> None:
    op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.String(length=8), nullable=False),
        sa.Column("site_id", sa.String(length=80)),
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.Column("outbox", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("box", Document, nullable=False),
        sa.Column("best_box", Document, nullable=False),
        sa.Column("best_score", sa.Float(), nullable=False),
        sa.Column("aspect", sa.Float()),
        sa.Column("zones", Document, nullable=False),
        sa.Column("path", Document, nullable=False),
        sa.Column("lost", sa.BigInteger()),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("ts", UtcDateTime(), nullable=False),
        sa.Column("frame_ts", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("clock_suspect", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "event_id"),
    )
    op.create_index("events_by_change", "events", ["change_seq"], unique=True)
    op.create_index("events_by_device", "events", ["device_id", "change_seq"])
    op.create_index("events_by_label", "events", ["label", "change_seq"])
    op.create_index("events_by_site", "events", ["site_id", "change_seq"])
    op.create_index("events_by_start", "events", ["started_at"])


def _create_probes() -> None:
    op.create_table(
        "probes",
        sa.Column("server_id", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("committed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("server_id"),
    )


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=400), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_received_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_index("quarantine_by_device", "quarantine", ["device_id", "received_at"])


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])


def _create_streams() -> None:
    op.create_table(
        "streams",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40)),
        sa.Column("detail", sa.String(length=200)),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "name"),
    )


def _create_telemetry_raw() -> None:
    op.create_table(
        "telemetry_raw",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("ts", UtcDateTime(), nullable=False),
        sa.Column("cpu_pct", sa.Float(), nullable=False),
        sa.Column("rss_bytes", sa.BigInteger(), nullable=False),
        sa.Column("disk_free_bytes", sa.BigInteger(), nullable=False),
        sa.Column("temperature_c", sa.Float()),
        sa.Column("fps", sa.Float(), nullable=False),
        sa.Column("dropped_frames", sa.BigInteger(), nullable=False),
        sa.Column("outbox_depth", sa.BigInteger(), nullable=False),
        sa.Column("outbox_oldest_s", sa.Float(), nullable=False),
        sa.Column("clock_offset_s", sa.Float()),
        sa.PrimaryKeyConstraint("device_id", "received_at"),
    )
    op.create_index("telemetry_raw_by_time", "telemetry_raw", ["received_at"])


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("password_changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
