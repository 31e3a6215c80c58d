"""Which schema a database has, and whether this release can work with it."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from dashboard.store.database import Database

VERSION_TABLE = "events_revision"
MIGRATIONS = Path(__file__).with_name("migrations")


class WrongRevision(Exception):
    """The database's schema is not this release's; the text names the command to run."""


def newest_revision() -> str:
    """Return the revision that this release's code is written for."""
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def known_revisions() -> list[str]:
    """Return every revision of this release's history, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()][::-1]


def current_revision(database: Database) -> str | None:
    """Return the revision of a database; None for an empty one."""
    with database.reading() as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the revision that a transaction sees."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def require_revision(database: Database) -> None:
    """Raise WrongRevision unless the database has exactly this release's schema."""
    found, wanted = current_revision(database), newest_revision()
    if found == wanted:
        return
    if found is None or found in known_revisions():
        raise WrongRevision(
            f"the events database is at revision {found or 'none'}, not {wanted}: run `camfleet migrate`"
        )
    raise WrongRevision(
        f"the events database is at revision {found}, of a newer release: install that newer release, or run"
        f" `camfleet migrate --to {wanted}` with it before coming back to this one"
    )


def alembic_config() -> Config:
    """Return Alembic's settings, made here so that no ini file is needed."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
