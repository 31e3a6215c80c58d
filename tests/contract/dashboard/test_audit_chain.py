"""dashboard's audit log as a chain, on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from dashboard.audit_trail import open_trail
from dashboard.store.database import Database
from dashboard.store.people import LoginRecord, People
from fleet.audit_trail import ProgramTrail, TrailUnusable
from fleet.settings import ServerSettings, load

NOW = datetime.now(UTC)


def write(database: Database, count: int, at: datetime = NOW) -> None:
    for number in range(count):
        People(database).record(LoginRecord(at, "log-in", f"Ștefan {number}", "::1", None))


@pytest.fixture
def trail(database: Database, tmp_path_factory: pytest.TempPathFactory) -> ProgramTrail:
    home = tmp_path_factory.mktemp("home")
    settings = load(ServerSettings, CAMFLEET_HOME=home, events_database_url=database.url)
    return ProgramTrail("events", open_trail, settings)


def test_every_line_is_chained_and_a_changed_one_is_named(database: Database, trail: ProgramTrail) -> None:
    write(database, 4)
    assert (trail.verify().is_whole, trail.verify().rows) == (True, 4)
    with database.writing() as connection:
        connection.execute(text("UPDATE audit SET action = 'log-out' WHERE id = 2"))
    assert trail.verify().broken_id == 2


def test_a_removed_line_is_noticed(database: Database, trail: ProgramTrail) -> None:
    write(database, 4)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM audit WHERE id = 2"))
    assert trail.verify().broken_id == 3


def test_retention_leaves_a_signed_checkpoint(database: Database, trail: ProgramTrail) -> None:
    write(database, 3, NOW - timedelta(days=400))
    write(database, 2)
    assert trail.trim(timedelta(days=365), NOW) == 3
    assert (trail.verify().is_whole, trail.verify().rows) == (True, 2)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM audit_checkpoints"))
    assert trail.verify().broken_id == 4


def test_a_database_that_is_not_there_is_named_with_the_command(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path_factory.mktemp("empty"))
    with pytest.raises(TrailUnusable, match="camfleet migrate"):
        ProgramTrail("events", open_trail, settings).verify()
