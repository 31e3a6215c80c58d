"""Bring the events database to this release's schema; the only place that changes a schema."""

from alembic import command

from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.revision import (
    WrongRevision,
    alembic_config,
    current_revision,
    known_revisions,
    newest_revision,
    require_revision,
)
from fleet.cli import CommandFailed
from fleet.home import make_private_folder
from fleet.settings import ServerSettings


def migrate(settings: ServerSettings) -> str:
    """Migrate the database that the settings name and return one line for people; raises CommandFailed."""
    database = Database(settings.events_database)
    if database.file is not None:
        make_private_folder(database.file.parent)
    try:
        return migrate_database(database)
    except WrongRevision as error:
        raise CommandFailed(str(error)) from None
    except StoreUnavailable as error:
        raise CommandFailed(
            f"events.db cannot be migrated: {error}: see that its disk has room and is writable, or its server runs"
        ) from error
    finally:
        database.close()


def migrate_database(database: Database) -> str:
    """Run what is missing; raises WrongRevision for a database of a newer release."""
    before, wanted = current_revision(database), newest_revision()
    if before == wanted:
        return f"already at revision {wanted}"
    if before is not None:
        _refuse_unless_known(database, before)
    config = alembic_config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    _keep_private(database)
    return f"migrated from {before or 'nothing'} to revision {wanted}"


def _refuse_unless_known(database: Database, before: str) -> None:
    if before not in known_revisions():
        require_revision(database)


def _keep_private(database: Database) -> None:
    if database.file is not None:
        database.file.chmod(0o600)
