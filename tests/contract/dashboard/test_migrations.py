"""The schema's history, and what a program does with a database that is not of its release."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.migrate import migrate, migrate_database
from dashboard.store.partitions import is_partition
from dashboard.store.revision import (
    VERSION_TABLE,
    WrongRevision,
    alembic_config,
    current_revision,
    newest_revision,
    require_revision,
)
from dashboard.store.tables import metadata
from fleet.settings import ServerSettings, load


def test_migrating_twice_does_no_harm(empty_url: str) -> None:
    database = Database(empty_url)
    assert "from nothing" in migrate_database(database)
    assert "already" in migrate_database(database)
    require_revision(database)
    database.ping()
    database.close()


def test_the_history_ends_with_the_tables_that_the_code_wants(database: Database) -> None:
    with database.reading() as connection:
        opts = {"version_table": VERSION_TABLE, "include_name": lambda name, *_: not is_partition(name or "")}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def test_the_way_down_leaves_nothing(database: Database) -> None:
    config = alembic_config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with database.reading() as connection:
        assert set(inspect(connection).get_table_names()) <= {VERSION_TABLE}


def test_an_empty_database_is_refused_with_the_command_to_run(empty_url: str) -> None:
    database = Database(empty_url)
    assert current_revision(database) is None
    with pytest.raises(WrongRevision, match="camfleet migrate"):
        require_revision(database)
    database.close()


def test_a_database_of_a_newer_release_is_refused_and_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE events_revision SET version_num = '9999'"))
    for attempt in (require_revision, migrate_database):
        with pytest.raises(WrongRevision, match="newer release"):
            attempt(database)
    assert current_revision(database) == "9999" != newest_revision()


def test_migrate_makes_the_home_and_a_private_file(tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path / "home")
    assert newest_revision() in migrate(settings)
    file = settings.home.events_database
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_database_that_does_not_answer_says_so() -> None:
    for url in ("sqlite:////nowhere/at/all/events.db", "postgresql://nobody@127.0.0.1:1/none"):
        with pytest.raises(StoreUnavailable):
            Database(url).ping()
