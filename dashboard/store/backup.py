"""events.db as backup and restore see it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, inspect

from dashboard.store.database import Database, RowRefused, StoreUnavailable
from dashboard.store.migrate import move
from dashboard.store.revision import WrongRevision, known_revisions, require_revision, revision_of
from dashboard.store.tables import metadata
from fleet.backup.databases import DatabaseUnusable, NewerArchive, View, new_sqlite_file
from fleet.backup.tables import shape_of
from fleet.settings import ServerSettings


class EventsDatabase:
    """What `camfleet.backups` names."""

    @contextmanager
    def viewing(self, settings: ServerSettings) -> Iterator[View]:
        """Give every table as this moment sees it; raises DatabaseUnusable."""
        database = Database(settings.events_database)
        try:
            if database.file is not None and not database.file.exists():
                raise DatabaseUnusable(f"there is no database {database.file}: run `camfleet migrate`")
            require_revision(database)
            with database.reading() as connection:
                # A view's moment is that of its first question.
                revision = str(revision_of(connection))
                yield View(revision, [shape_of(table) for table in metadata.sorted_tables], connection)
        except (WrongRevision, StoreUnavailable) as error:
            raise DatabaseUnusable(str(error)) from error
        finally:
            database.close()

    @contextmanager
    def filling(self, settings: ServerSettings, revision: str) -> Iterator[Connection]:
        """Make the tables of a revision where there are none; raises DatabaseUnusable, NewerArchive."""
        if revision not in known_revisions():
            raise NewerArchive(f"its events.db is at revision {revision:.20}, which nobody knows here")
        database = Database(settings.events_database)
        try:
            with new_sqlite_file(database.file), database.writing() as connection:
                if inspect(connection).get_table_names():
                    raise DatabaseUnusable(
                        "CAMFLEET_EVENTS_DATABASE_URL names a database that has tables: name an empty one"
                    )
                move(connection, revision)
                yield connection
        except (RowRefused, StoreUnavailable) as error:
            raise DatabaseUnusable(f"nothing was restored: events.db: {error}") from error
        finally:
            database.close()


EVENTS_DATABASE = EventsDatabase()
