"""The database: migrations, refusals, and what a failing disk does."""

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from config_server.records import AuditEntry, DeviceRecord
from config_server.store.audit import Audit
from config_server.store.database import StoreUnavailable, open_engine, transaction
from config_server.store.devices import Devices
from config_server.store.migrate import VERSION_TABLE, WrongSchema, migrate, require_current_schema
from config_server.store.registry import Store
from config_server.store.tables import metadata
from fleet.cli import CommandFailed
from fleet.settings import ServerSettings, load
from tests.integration.config_server.conftest import Api


def settings_in(folder: Path) -> ServerSettings:
    return load(ServerSettings, CAMFLEET_HOME=folder)


def set_revision(settings: ServerSettings, revision: str) -> None:
    with sqlite3.connect(settings.home.config_database) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'")  # noqa: S608


def test_migrating_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert migrate(settings).startswith("migrated from nothing")
    assert migrate(settings).startswith("already at")
    require_current_schema(settings.config_database)


def test_the_migrations_make_exactly_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    migrate(settings)
    engine = open_engine(settings.config_database)
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()


def test_a_database_that_was_never_migrated_is_refused_with_the_command(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(WrongSchema, match="camfleet migrate"):
        require_current_schema(settings.config_database)
    assert not settings.home.config_database.exists(), "looking must not make a database"


def test_a_database_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    migrate(settings)
    set_revision(settings, "c9999")
    with pytest.raises(WrongSchema, match="c9999"):
        require_current_schema(settings.config_database)
    with pytest.raises(CommandFailed, match="c9999"):
        migrate(settings)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.home.config_database.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        require_current_schema(settings.config_database)
    with pytest.raises(CommandFailed, match="not a database"):
        migrate(settings)


def test_sqlite_is_opened_so_that_a_power_cut_loses_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas]
    assert found == ["wal", 2, 1, 5000]
    engine.dispose()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    migrate(settings)
    store = Store(settings.config_database)
    device = DeviceRecord("cam-gate1", "Gate", None, None, "pending", datetime.now(UTC))
    with contextlib.suppress(KeyError), store.writing() as tx:
        tx.devices.add(device)
        raise KeyError("something failed half-way")
    with store.reading() as tx:
        assert tx.devices.get("cam-gate1") is None
    store.close()


def test_a_read_only_database_answers_503_and_still_reads(api: Api) -> None:
    created = api.provision(device_id="cam-front-gate")
    _tell_kept_connections(api, "PRAGMA query_only = ON")
    refused = api.enrol(created["enrolment"]["token"])
    assert refused.status_code == 503
    assert refused.content_type == "application/problem+json"
    assert "nothing was changed" in refused.get_json()["detail"]
    assert api.get("/config/devices/cam-front-gate").get_json()["state"] == "pending"
    _tell_kept_connections(api, "PRAGMA query_only = OFF")
    # What failed went back to the pool.
    api.store._engine.dispose()
    assert api.enrol(created["enrolment"]["token"]).status_code == 200


def _tell_kept_connections(api: Api, pragma: str) -> None:
    kept = [*api.store._readers._idle, *api.store._writers._idle]
    assert kept
    for connection in kept:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(pragma)


def test_a_full_disk_answers_503_and_loses_nothing_stored(api: Api) -> None:
    kept = api.provision("Kept")["device"]["device_id"]
    with sqlite3.connect(api.settings.home.config_database) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    _tell_kept_connections(api, f"PRAGMA max_page_count = {pages}")
    statuses = {api.post("/config/devices", {"name": f"Camera {n}"}).status_code for n in range(60)}
    assert 503 in statuses
    assert statuses <= {201, 503}
    assert api.get(f"/config/devices/{kept}").status_code == 200


def test_a_lost_database_is_down_in_healthz(api: Api) -> None:
    with sqlite3.connect(api.settings.home.config_database) as connection:
        connection.execute("DROP TABLE crls")
    answer = api.get("/healthz", "")
    assert (answer.status_code, answer.get_json()["state"]) == (503, "down")


def test_crls_that_run_out_soon_degrade_healthz(api: Api) -> None:
    assert api.get("/healthz", "").get_json()["state"] == "ok"
    api.clock.advance(days=4, hours=1)
    assert api.get("/healthz", "").get_json()["state"] == "degraded"


def test_what_is_written_straight_to_the_driver_reads_the_same_through_sqlalchemy(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    migrate(settings)
    engine = open_engine(settings.config_database)
    entry = AuditEntry(
        datetime(2026, 5, 4, 12, 0, 0, 5, UTC), "device:cam-gate1", "tested", None, {"serials": ["1f", "é"]}
    )
    with transaction(engine, writing=True) as connection:
        Audit(connection).add(entry)
        assert Audit(connection).of_device(None) == [entry]
    engine.dispose()


def test_a_driver_that_refuses_a_prepared_statement_is_an_unusable_store(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with (
        pytest.raises(StoreUnavailable, match="no such table: devices"),
        transaction(engine, writing=False) as connection,
    ):
        Devices(connection).get("cam-gate1")
    engine.dispose()
