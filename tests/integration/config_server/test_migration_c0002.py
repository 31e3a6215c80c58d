"""Migration c0002 on data: what 0.1.0 wrote survives the way up, down, and up again; tables.py says the same."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from config_server.records import DeviceFilter
from config_server.store import migrate as migrating
from config_server.store.database import open_engine
from config_server.store.registry import Store
from config_server.store.tables import metadata
from fleet.settings import ServerSettings, load

DUMP = Path(__file__).parents[2] / "data" / "config-0.1.0.sql"


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    loaded = load(ServerSettings, CAMFLEET_HOME=tmp_path)
    with sqlite3.connect(loaded.home.config_database) as connection:
        connection.executescript(DUMP.read_text())
    return loaded


def move(settings: ServerSettings, revision: str) -> None:
    """Go up or down to a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    engine = open_engine(settings.config_database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if revision == "c0001" else command.upgrade)(config, revision)
    engine.dispose()


def rows_of(settings: ServerSettings) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of 0.1.0."""
    with sqlite3.connect(settings.home.config_database) as connection:
        names = ("sites", "devices", "certificates", "enrolment_tokens", "api_tokens", "audit", "crls")
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608


def test_up_and_down_leave_every_row_as_it_was(settings: ServerSettings) -> None:
    before = rows_of(settings)
    assert before["devices"]
    move(settings, "c0002")
    move(settings, "c0001")
    assert rows_of(settings) == before
    move(settings, "c0002")
    assert {name: len(rows) for name, rows in rows_of(settings).items()} == {n: len(r) for n, r in before.items()}


def test_nobody_is_denied_by_the_migration_and_old_certificates_count_as_in_use(settings: ServerSettings) -> None:
    move(settings, "c0002")
    store = Store(settings.config_database)
    with store.writing() as tx:
        assert tx.devices.denied() == []
        assert not any(device.denied for device in tx.devices.find(DeviceFilter()))
        old = tx.certificates.of_subject("cam-front-gate")
        assert [(c.active_at, c.purpose) for c in old] == [(c.not_before, "enrolled") for c in old]
        tx.devices.deny("cam-front-gate", datetime.now(UTC))
        assert tx.devices.denied() == ["cam-front-gate"]
    store.close()


def test_the_tables_of_the_code_are_those_of_the_migrations(settings: ServerSettings) -> None:
    move(settings, "c0002")
    engine = open_engine(settings.config_database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrating.VERSION_TABLE})
        # 0.1.0 wrote the uniqueness of name_key without a name.
        found = [step for step in compare_metadata(context, metadata) if "name_key" not in str(step)]
    engine.dispose()
    assert [step for step in found if "config_schema" not in str(step)] == []
