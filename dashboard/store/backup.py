"""events.db as backup and restore see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, inspect, text

from dashboard.store.database import Database, RowRefused, StoreUnavailable
from dashboard.store.migrate import move
from dashboard.store.partitions import REST, Month, add_month, stored_months
from dashboard.store.revision import WrongRevision, known_revisions, newest_revision, require_revision, revision_of
from dashboard.store.tables import metadata
from fleet.backup.databases import DatabaseUnusable, NewerArchive, View, new_sqlite_file
from fleet.backup.tables import shape_of
from fleet.settings import ServerSettings

# Whose events may be there when a backup is restored; older ones stay with the rest.
MONTHS_BACK = 24


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
                # An older release's rows are parted by the migrations that follow.
                if revision == newest_revision():
                    _give_months_their_partitions(connection, datetime.now(UTC))
        except (RowRefused, StoreUnavailable) as error:
            raise DatabaseUnusable(f"nothing was restored: events.db: {error}") from error
        finally:
            database.close()


def _give_months_their_partitions(connection: Connection, now: datetime) -> None:
    """On PostgreSQL: months of before, which new tables do not expect, lie with the rest until now."""
    there = stored_months(connection)
    for month in _months_back(now, MONTHS_BACK) if there else ():
        bounds = {"first": month.first_id, "after": month.next.first_id}
        events_of = text(f"SELECT 1 FROM {REST} WHERE event_id >= :first AND event_id < :after LIMIT 1")  # noqa: S608
        if month not in there and connection.execute(events_of, bounds).first():
            add_month(connection, month)


def _months_back(now: datetime, count: int) -> list[Month]:
    """Return so many months before this one."""
    months = [Month.of(now)]
    while len(months) <= count:
        months.append(Month.of(months[-1].start - timedelta(days=1)))
    return months[1:]


EVENTS_DATABASE = EventsDatabase()
