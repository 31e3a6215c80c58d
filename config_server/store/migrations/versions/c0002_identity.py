"""Identity as of 0.2.0: cutting off, accept-on-sight, renewal, limits across workers, a chained audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "c0002"
down_revision = "c0001"

TIME = sa.DateTime(timezone=True)

NEW_COLUMNS = {
    "devices": ("decommissioned_at", "revoked_at", "denied"),
    "certificates": ("active_at", "purpose"),
    "api_tokens": ("sites", "expires_at"),
    "audit": ("previous_hash", "hash"),
}
NEW_TABLES = ("sightings", "renewal_nonces", "cutoffs", "rate_counts", "audit_checkpoints")


def upgrade() -> None:
    """Add columns and tables; what 0.1.0 wrote keeps its meaning."""
    _columns()
    # Until now a certificate was in use from the moment at which it was handed out, and bundles looked the same.
    op.execute("UPDATE certificates SET active_at = not_before")
    _enrolment()
    _cutting_off()
    _audit()


def downgrade() -> None:
    """Go back to the schema of 0.1.0; what only 0.2.0 knows is lost."""
    for table in NEW_TABLES:
        op.drop_table(table)
    for table, columns in NEW_COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)


def _columns() -> None:
    op.add_column("devices", sa.Column("decommissioned_at", TIME))
    op.add_column("devices", sa.Column("revoked_at", TIME))
    op.add_column("devices", sa.Column("denied", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("certificates", sa.Column("active_at", TIME))
    op.add_column("certificates", sa.Column("purpose", sa.String(16), nullable=False, server_default="enrolled"))
    op.add_column("api_tokens", sa.Column("sites", sa.JSON))
    op.add_column("api_tokens", sa.Column("expires_at", TIME))
    op.add_column("audit", sa.Column("previous_hash", sa.LargeBinary(32)))
    op.add_column("audit", sa.Column("hash", sa.LargeBinary(32)))


def _enrolment() -> None:
    op.create_table(
        "sightings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("csr_pem", sa.Text, nullable=False),
        sa.Column("name_wish", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("device_id", sa.String(64), sa.ForeignKey("devices.device_id")),
        sa.Column("rejected_at", TIME),
        sa.Column("collected_at", TIME),
    )
    op.create_index("ix_sightings_expires_at", "sightings", ["expires_at"])
    op.create_table(
        "renewal_nonces",
        sa.Column("nonce", sa.LargeBinary(32), primary_key=True),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
    )
    op.create_index("ix_renewal_nonces_expires_at", "renewal_nonces", ["expires_at"])
    op.create_table(
        "rate_counts",
        sa.Column("bucket", sa.Text, primary_key=True),
        sa.Column("window_start", TIME, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("ix_rate_counts_window_start", "rate_counts", ["window_start"])


def _cutting_off() -> None:
    op.create_table(
        "cutoffs",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("device_id", sa.String(64), sa.ForeignKey("devices.device_id"), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cutoffs_device_id", "cutoffs", ["device_id", "id"])


def _audit() -> None:
    op.create_table(
        "audit_checkpoints",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("up_to_id", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("signed_at", TIME, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
