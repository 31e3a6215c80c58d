"""The tables of events.db as this release wants them; migrations bring a database here."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from dashboard.store.columns import Document, NullableDocument, UtcDateTime

metadata = MetaData()

# One row. Its value is the newest change_seq; taking numbers from it is the first step of every batch.
change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("event_id", String(36), primary_key=True),
    Column("change_seq", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("site_id", String(80)),
    Column("stream", String(40), nullable=False),
    Column("label", String(80), nullable=False),
    Column("clock_suspect", Boolean, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    # The camera's `started_at` where it can be believed, else when we first heard of it; lists are in its order.
    Column("happened_at", UtcDateTime, nullable=False),
    # The message as the camera wrote it; payload.py reads it.
    Column("payload", Text, nullable=False),
)
# Each costs ingest: an index is here because a page asks its question (decision 0016).
Index("events_by_change", events.c.change_seq)
Index("events_by_time", events.c.happened_at)
Index("events_by_device", events.c.device_id, events.c.happened_at)
Index("events_by_site", events.c.site_id, events.c.happened_at)
# Whoever may see some sites passes by the other sites' events of a label without reading them.
Index("events_by_label", events.c.label, events.c.happened_at, events.c.site_id)

cameras = Table(
    "cameras",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("change_seq", BigInteger, nullable=False),
    # What the registry says; empty until its facts arrived.
    Column("name", String(200)),
    Column("site_id", String(80)),
    Column("site_name", String(200)),
    Column("time_zone", String(80)),
    Column("group_name", String(80)),
    Column("state", String(80)),
    Column("stream_facts", Document),
    # What presence.py concluded.
    Column("presence", String(16), nullable=False),
    Column("reason", String(40)),
    Column("since", UtcDateTime),
    Column("last_seen_at", UtcDateTime),
    Column("session", BigInteger),
    # The camera's own words: birth and the newest health.
    Column("software", String(80)),
    Column("certificate_not_after", UtcDateTime),
    Column("birth", Document),
    Column("health_interval_s", Float),
    Column("health_at", UtcDateTime),
    Column("health", Document),
)
Index("cameras_by_change", cameras.c.change_seq)

streams = Table(
    "streams",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("reason", String(40)),
    Column("detail", String(200)),
    Column("since", UtcDateTime, nullable=False),
    Column("session", BigInteger, nullable=False),
)

telemetry_raw = Table(
    "telemetry_raw",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("received_at", UtcDateTime, primary_key=True),
    Column("ts", UtcDateTime, nullable=False),
    Column("cpu_pct", Float, nullable=False),
    Column("rss_bytes", BigInteger, nullable=False),
    Column("disk_free_bytes", BigInteger, nullable=False),
    Column("temperature_c", Float),
    Column("fps", Float, nullable=False),
    Column("dropped_frames", BigInteger, nullable=False),
    Column("outbox_depth", BigInteger, nullable=False),
    Column("outbox_oldest_s", Float, nullable=False),
    Column("clock_offset_s", Float),
)
Index("telemetry_raw_by_time", telemetry_raw.c.received_at)


def _aggregates(name: str) -> Table:
    """Return a table of telemetry put together: one row per camera and span; `n` is how many measurements it holds."""
    return Table(
        name,
        metadata,
        Column("device_id", String(64), primary_key=True),
        Column("bucket_start", UtcDateTime, primary_key=True),
        Column("n", BigInteger, nullable=False),
        Column("cpu_pct_avg", Float, nullable=False),
        Column("cpu_pct_max", Float, nullable=False),
        Column("rss_bytes_max", BigInteger, nullable=False),
        Column("disk_free_bytes_min", BigInteger, nullable=False),
        Column("temperature_c_max", Float),
        Column("fps_avg", Float, nullable=False),
        Column("dropped_frames_max", BigInteger, nullable=False),
        Column("outbox_depth_max", BigInteger, nullable=False),
        Column("outbox_oldest_s_max", Float, nullable=False),
        Column("clock_offset_s_avg", Float),
        Index(f"{name}_by_time", "bucket_start"),
        sqlite_with_rowid=False,
    )


telemetry_5min = _aggregates("telemetry_5min")
telemetry_hour = _aggregates("telemetry_hour")

# How far each target of the forwarder has taken what was stored, and why it takes no more; NULL: it does.
forward_cursors = Table(
    "forward_cursors",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("change_seq", BigInteger, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("error", String(200)),
)

# What retention took away, a line per class and run.
retention_runs = Table(
    "retention_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ran_at", UtcDateTime, nullable=False),
    Column("class", String(20), nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("oldest_kept", UtcDateTime),
    sqlite_autoincrement=True,
)

# One row per distinct payload on a topic: a camera that repeats its mistake fills a counter, not the disk.
quarantine = Table(
    "quarantine",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("topic", String(400), nullable=False),
    Column("device_id", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", String(200), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_received_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
)
Index("quarantine_by_device", quarantine.c.device_id, quarantine.c.received_at)
Index("quarantine_by_time", quarantine.c.received_at)

probes = Table(
    "probes",
    metadata,
    Column("server_id", String(64), primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("committed_at", UtcDateTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("role", String(40), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("password_changed_at", UtcDateTime, nullable=False),
    # The sites that the person may see; NULL is every site.
    Column("site_ids", NullableDocument),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", String(36), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("action", String(40), nullable=False),
    Column("user_name", String(80), nullable=False),
    Column("address", String(64)),
    Column("request_id", String(36)),
    Column("detail", String(200)),
    # Lines of 0.1.0 have no hashes: the chain begins after them.
    Column("previous_hash", LargeBinary(32)),
    Column("hash", LargeBinary(32)),
    sqlite_autoincrement=True,
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("up_to_id", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
