"""Alembic's entry: runs migrations on the connection that migrate.py holds."""

from alembic import context

from dashboard.store.revision import VERSION_TABLE
from dashboard.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
