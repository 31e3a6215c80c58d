"""Bring config.db to this release's schema, and refuse to run on any other."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from config_server.store.database import StoreUnavailable, open_engine, reason_of
from fleet.cli import CommandFailed
from fleet.home import make_private_folder
from fleet.settings import ServerSettings

VERSION_TABLE = "config_schema"

# Alembic announces its dialect at each look at the revision: nobody asked.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


class WrongSchema(Exception):
    """The database is not at the revision that this release works with."""


def migrate(settings: ServerSettings, to: str | None = None) -> str | None:
    """Bring the database to this release's revision, or up or down to `to`; one line saying what was done.

    None, and nothing done, when `to` is no revision of this database.
    """
    if to is not None and to not in known_revisions():
        return None
    if not settings.config_database_url:
        make_private_folder(settings.home.path)
        # SQLite gives its side files the mode of this one.
        settings.home.config_database.touch(mode=0o600)
    engine = open_engine(settings.config_database)
    try:
        before = _revision(engine)
        _require_known(before)
        with engine.begin() as connection:
            move(connection, to or newest_revision())
        after = _revision(engine)
    except WrongSchema as error:
        raise CommandFailed(str(error)) from None
    except (CommandError, DBAPIError) as failure:
        raise CommandFailed(f"config.db cannot be migrated: {_reason(failure)}") from failure
    finally:
        engine.dispose()
    return f"already at {after}" if before == after else f"migrated from {before or 'nothing'} to {after}"


def require_current_schema(url: str) -> None:
    """Raise WrongSchema, naming the command to run, unless the database is at this release's revision."""
    engine = open_engine(url)
    try:
        found = _revision(engine) if _is_there(engine) else None
    except DBAPIError as failure:
        raise StoreUnavailable(f"config_server's database cannot be opened: {_reason(failure)}") from failure
    finally:
        engine.dispose()
    _require_known(found)
    if found != newest_revision():
        raise WrongSchema(
            f"config_server's database is at revision {found or 'none'}, this release needs {newest_revision()}:"
            " run 'camfleet migrate'"
        )


def newest_revision() -> str:
    """The revision that this release works with."""
    return str(_history().get_current_head())


def known_revisions() -> list[str]:
    """Every revision of this release's history, oldest first."""
    return [script.revision for script in _history().walk_revisions()][::-1]


def move(connection: Connection, revision: str) -> None:
    """Go up or down to a revision, in the transaction of this connection."""
    config = _config()
    config.attributes["connection"] = connection
    known = known_revisions()
    found = _revision_of(connection)
    goes_down = found is not None and known.index(found) > known.index(revision)
    (command.downgrade if goes_down else command.upgrade)(config, revision)


def _require_known(found: str | None) -> None:
    if found is not None and found not in known_revisions():
        raise WrongSchema(
            f"config_server's database is at revision {found}, of a newer release: install that release, or run"
            f" 'camfleet migrate --to {newest_revision()}' with it before coming back to this one"
        )


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _revision_of(connection)


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _is_there(engine: Engine) -> bool:
    """Look before opening: SQLite would make an empty database."""
    return engine.dialect.name != "sqlite" or Path(engine.url.database or "").exists()


def _history() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _reason(failure: Exception) -> str:
    if isinstance(failure, DBAPIError):
        return f"{reason_of(failure)}: see that its disk has room and is writable, or its server runs"
    return str(failure)
