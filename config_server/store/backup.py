"""config.db as backup and restore see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select

from config_server.store.database import StoreUnavailable, open_engine, transaction
from config_server.store.migrate import WrongSchema, known_revisions, move, newest_revision, require_current_schema
from config_server.store.tables import metadata, sites
from fleet.backup.databases import DatabaseUnusable, NewerArchive, View, new_sqlite_file
from fleet.backup.tables import shape_of
from fleet.settings import ServerSettings


class ConfigDatabase:
    """What `camfleet.backups` names."""

    @contextmanager
    def viewing(self, settings: ServerSettings) -> Iterator[View]:
        """Give every table as this moment sees it; raises DatabaseUnusable."""
        engine = open_engine(settings.config_database)
        try:
            require_current_schema(settings.config_database)
            with _one_view(engine) as connection:
                yield View(newest_revision(), [shape_of(table) for table in metadata.sorted_tables], connection)
        except (WrongSchema, StoreUnavailable) as error:
            raise DatabaseUnusable(str(error)) from error
        finally:
            engine.dispose()

    @contextmanager
    def filling(self, settings: ServerSettings, revision: str) -> Iterator[Connection]:
        """Make the tables of a revision where there are none; raises DatabaseUnusable, NewerArchive."""
        if revision not in known_revisions():
            raise NewerArchive(f"its config.db is at revision {revision:.20}, which nobody knows here")
        engine = open_engine(settings.config_database)
        file = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
        try:
            with new_sqlite_file(file), transaction(engine, writing=True) as connection:
                if inspect(connection).get_table_names():
                    raise DatabaseUnusable(
                        "CAMFLEET_CONFIG_DATABASE_URL names a database that has tables: name an empty one"
                    )
                move(connection, revision)
                yield connection
        except StoreUnavailable as error:
            raise DatabaseUnusable(f"nothing was restored: {error}") from error
        finally:
            engine.dispose()


@contextmanager
def _one_view(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the database; SQLite gives that to all, PostgreSQL when asked."""
    asked = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with transaction(engine.execution_options(**asked), writing=False) as connection:
        # A view's moment is that of its first question.
        connection.execute(select(sites.c.site_id).limit(1)).first()
        yield connection


CONFIG_DATABASE = ConfigDatabase()
