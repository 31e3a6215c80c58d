"""How Alembic runs a step: on the connection that migrate.py opened, in its transaction."""

from alembic import context

from config_server.store.migrate import VERSION_TABLE
from config_server.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
