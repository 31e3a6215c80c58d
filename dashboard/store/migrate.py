"""Bring the events database to this release's schema; the only place that changes a schema."""

from alembic import command
from sqlalchemy import Connection

from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.revision import (
    WrongRevision,
    alembic_config,
    current_revision,
    known_revisions,
    newest_revision,
    require_revision,
    revision_of,
)
from fleet.cli import CommandFailed
from fleet.home import make_private_folder
from fleet.settings import ServerSettings


def migrate(settings: ServerSettings, to: str | None = None) -> str | None:
    """Migrate the database that the settings name and return one line for people; raises CommandFailed.

    Goes to this release's revision, or up or down to `to`; None, and nothing done, when that is none of this database.
    """
    if to is not None and to not in known_revisions():
        return None
    database = Database(settings.events_database)
    if database.file is not None:
        make_private_folder(database.file.parent)
    try:
        return migrate_database(database, to)
    except WrongRevision as error:
        raise CommandFailed(str(error)) from None
    except StoreUnavailable as error:
        raise CommandFailed(
            f"events.db cannot be migrated: {error}: see that its disk has room and is writable, or its server runs"
        ) from error
    finally:
        database.close()


def migrate_database(database: Database, to: str | None = None) -> str:
    """Run what is missing, or what leads to the revision `to`; raises WrongRevision for a newer release's database."""
    before, wanted = current_revision(database), to or newest_revision()
    if before == wanted:
        return f"already at revision {wanted}"
    if before is not None:
        _refuse_unless_known(database, before)
    with database.writing() as connection:
        move(connection, wanted)
    _keep_private(database)
    return f"migrated from {before or 'nothing'} to revision {wanted}"


def move(connection: Connection, revision: str) -> None:
    """Go up or down to a revision, in the transaction of this connection."""
    config = alembic_config()
    config.attributes["connection"] = connection
    known, found = known_revisions(), revision_of(connection)
    goes_down = found is not None and known.index(found) > known.index(revision)
    (command.downgrade if goes_down else command.upgrade)(config, revision)


def _refuse_unless_known(database: Database, before: str) -> None:
    if before not in known_revisions():
        require_revision(database)


def _keep_private(database: Database) -> None:
    if database.file is not None:
        database.file.chmod(0o600)
