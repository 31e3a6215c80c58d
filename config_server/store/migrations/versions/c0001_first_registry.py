"""The registry as of 0.1.0: sites, devices, certificates, tokens, audit, revocation lists."""

import sqlalchemy as sa
from alembic import op

revision = "c0001"
down_revision = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create every table of the first release."""
    _registry()
    _trust()
    _access()


def _registry() -> None:
    op.create_table(
        "sites",
        sa.Column("site_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
    )
    op.create_table(
        "devices",
        sa.Column("device_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, unique=True),
        sa.Column("site_id", sa.String(64), sa.ForeignKey("sites.site_id")),
        sa.Column("group_name", sa.Text),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("streams", sa.JSON, nullable=False),
        sa.Column("facts_seq", sa.Integer, nullable=False),
        sa.Column("published_seq", sa.Integer, nullable=False),
    )
    op.create_index("ix_devices_state", "devices", ["state"])
    op.create_index("ix_devices_site_id", "devices", ["site_id"])


def _trust() -> None:
    op.create_table(
        "certificates",
        sa.Column("issuer_ski", sa.String(40), primary_key=True),
        sa.Column("serial", sa.String(40), primary_key=True),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("device_id", sa.String(64), sa.ForeignKey("devices.device_id")),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("not_after", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.Column("certificate_pem", sa.Text, nullable=False),
    )
    op.create_index("ix_certificates_device_id", "certificates", ["device_id", "not_after"])
    op.create_index("ix_certificates_not_after", "certificates", ["not_after"])
    op.create_table(
        "enrolment_tokens",
        sa.Column("token_id", sa.String(6), primary_key=True),
        sa.Column("device_id", sa.String(64), sa.ForeignKey("devices.device_id"), nullable=False),
        sa.Column("token_check", sa.LargeBinary),
        sa.Column("sealed_key", sa.LargeBinary),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
    )
    op.create_index("ix_enrolment_tokens_device_id", "enrolment_tokens", ["device_id"])
    op.create_table(
        "crls",
        sa.Column("issuer_ski", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("der", sa.LargeBinary, nullable=False),
        sa.Column("this_update", TIME, nullable=False),
        sa.Column("next_update", TIME, nullable=False),
    )


def _access() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
    )
    op.create_table(
        "audit",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("device_id", sa.String(64)),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("source", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_device_id", "audit", ["device_id", "id"])
