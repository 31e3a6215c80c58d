"""The events database as commands of this host open it, whether the dashboard runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from dashboard.store.database import Database, RowRefused, StoreUnavailable
from dashboard.store.revision import WrongRevision, require_revision
from fleet.cli import CommandFailed
from fleet.settings import ServerSettings


@contextmanager
def open_database(settings: ServerSettings) -> Iterator[Database]:
    """Give the migrated database; every failure ends as CommandFailed, one line that says what to do."""
    database = Database(settings.events_database)
    if database.file is not None and not database.file.exists():
        raise CommandFailed(f"there is no database {database.file}: run `camfleet migrate`")
    try:
        require_revision(database)
        yield database
    except WrongRevision as error:
        raise CommandFailed(str(error)) from None
    except RowRefused as error:
        raise CommandFailed(f"the database refuses it: {error}") from None
    except StoreUnavailable as error:
        raise CommandFailed(
            f"nothing was changed: {error}: see that the database's disk has room and is writable, or its server runs"
        ) from None
    finally:
        database.close()
