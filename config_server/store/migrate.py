"""Bring config.db to this release's schema, and refuse to run on any other."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine
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


def migrate(settings: ServerSettings) -> str:
    """Create or upgrade the database; one line saying what was done."""
    if not settings.config_database_url:
        make_private_folder(settings.home.path)
        # SQLite gives its side files the mode of this one.
        settings.home.config_database.touch(mode=0o600)
    engine = open_engine(settings.config_database)
    try:
        before = _revision(engine)
        _upgrade(engine)
        after = _revision(engine)
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
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found != wanted:
        raise WrongSchema(
            f"config_server's database is at revision {found or 'none'}, this release needs {wanted}:"
            " run 'camfleet migrate' (or install the release that wrote it)"
        )


def _upgrade(engine: Engine) -> None:
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def _is_there(engine: Engine) -> bool:
    """Look before opening: SQLite would make an empty database."""
    return engine.dialect.name != "sqlite" or Path(engine.url.database or "").exists()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _reason(failure: Exception) -> str:
    if isinstance(failure, DBAPIError):
        return f"{reason_of(failure)}: see that its disk has room and is writable, or its server runs"
    return str(failure)
