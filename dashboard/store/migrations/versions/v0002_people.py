"""People of 0.2.0: the sites that a person may see, and what an entry of the audit log is about."""

import sqlalchemy as sa
from alembic import op

from dashboard.store.columns import NullableDocument

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; whoever was there keeps every site (NULL)."""
    op.add_column("users", sa.Column("site_ids", NullableDocument))
    op.add_column("audit", sa.Column("detail", sa.String(length=200)))


def downgrade() -> None:
    """Go back to 0.1.0; everybody sees every site again."""
    op.drop_column("audit", "detail")
    op.drop_column("users", "site_ids")
