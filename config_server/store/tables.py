"""The tables of config.db, as the newest migration leaves them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone must not reach the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


sites = Table(
    "sites",
    metadata,
    Column("site_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("time_zone", String(64), nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    # The name folded for comparing; NULL once decommissioned, which frees the name but never the id.
    Column("name_key", Text, unique=True),
    Column("site_id", String(64), ForeignKey("sites.site_id")),
    Column("group_name", Text),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("streams", JSON, nullable=False),
    Column("facts_seq", Integer, nullable=False),
    Column("published_seq", Integer, nullable=False),
    Column("decommissioned_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    # True from revocation until a re-enrolment lifts it: the brokers refuse the camera everything.
    Column("denied", Boolean, nullable=False, server_default=false()),
    Index("ix_devices_state", "state"),
    Index("ix_devices_site_id", "site_id"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("issuer_ski", String(40), primary_key=True),
    Column("serial", String(40), primary_key=True),
    Column("subject", String(64), nullable=False),
    Column("device_id", String(64), ForeignKey("devices.device_id")),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("certificate_pem", Text, nullable=False),
    # When the camera confirmed that it uses it; at enrolment that is the moment of signing.
    Column("active_at", UtcDateTime),
    Column("purpose", String(16), nullable=False, server_default="enrolled"),
    Index("ix_certificates_device_id", "device_id", "not_after"),
    Index("ix_certificates_not_after", "not_after"),
)

enrolment_tokens = Table(
    "enrolment_tokens",
    metadata,
    Column("token_id", String(6), primary_key=True),
    Column("device_id", String(64), ForeignKey("devices.device_id"), nullable=False),
    Column("token_check", LargeBinary),
    Column("sealed_key", LargeBinary),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Index("ix_enrolment_tokens_device_id", "device_id"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    # The sites that it may see and change; NULL means every site.
    Column("sites", JSON(none_as_null=True)),
    Column("expires_at", UtcDateTime),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("device_id", String(64)),
    Column("detail", JSON, nullable=False),
    Column("source", Text),
    # Entries of 0.1.0 have no hashes: the chain begins after them.
    Column("previous_hash", LargeBinary(32)),
    Column("hash", LargeBinary(32)),
    Index("ix_audit_device_id", "device_id", "id"),
    sqlite_autoincrement=True,
)

crls = Table(
    "crls",
    metadata,
    Column("issuer_ski", String(40), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("this_update", UtcDateTime, nullable=False),
    Column("next_update", UtcDateTime, nullable=False),
)

sightings = Table(
    "sightings",
    metadata,
    # The code that the camera shows: 12 characters of SHA-256(root fingerprint, public key).
    Column("id", Text, primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("csr_pem", Text, nullable=False),
    Column("name_wish", Text, nullable=False),
    Column("source", Text),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("device_id", String(64), ForeignKey("devices.device_id")),
    Column("rejected_at", UtcDateTime),
    Column("collected_at", UtcDateTime),
    Index("ix_sightings_expires_at", "expires_at"),
)

renewal_nonces = Table(
    "renewal_nonces",
    metadata,
    Column("nonce", LargeBinary(32), primary_key=True),
    Column("device_id", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Index("ix_renewal_nonces_expires_at", "expires_at"),
)

cutoffs = Table(
    "cutoffs",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("device_id", String(64), ForeignKey("devices.device_id"), nullable=False),
    Column("step", String(16), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_cutoffs_device_id", "device_id", "id"),
    sqlite_autoincrement=True,
)

rate_counts = Table(
    "rate_counts",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("window_start", UtcDateTime, primary_key=True),
    Column("count", Integer, nullable=False),
    Index("ix_rate_counts_window_start", "window_start"),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("up_to_id", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
