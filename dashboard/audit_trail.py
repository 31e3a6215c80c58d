"""dashboard's audit log as `camfleet audit` reads and trims it, whether the dashboard runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from dashboard.store.audit import AuditLog
from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.revision import WrongRevision, require_revision
from fleet.audit_trail import TrailUnusable
from fleet.settings import ServerSettings


@contextmanager
def open_trail(settings: ServerSettings, *, writing: bool) -> Iterator[AuditLog]:
    """One transaction on the log; TrailUnusable when the database is not there or not of this release."""
    database = Database(settings.events_database)
    if database.file is not None and not database.file.exists():
        raise TrailUnusable(f"there is no database {database.file}: run 'camfleet migrate'")
    try:
        require_revision(database)
        with database.writing() if writing else database.reading() as connection:
            yield AuditLog(connection)
    except (WrongRevision, StoreUnavailable) as error:
        raise TrailUnusable(str(error)) from error
    finally:
        database.close()
