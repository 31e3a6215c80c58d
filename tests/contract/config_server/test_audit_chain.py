"""The registry's audit trail as a chain, on SQLite and PostgreSQL: many writers, one chain, and retention."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from config_server.audit_trail import open_trail
from config_server.records import AuditEntry
from config_server.store.database import open_engine
from config_server.store.migrate import migrate
from config_server.store.registry import Store
from fleet.audit_trail import NothingToCut, ProgramTrail
from fleet.settings import ServerSettings, load
from tests.support.databases import registry_url

NOW = datetime.now(UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProgramTrail]:
    with registry_url(request.param) as url:
        yield made(tmp_path, url)


def made(home: Path, url: str) -> ProgramTrail:
    settings = load(ServerSettings, CAMFLEET_HOME=home, config_database_url=url)
    migrate(settings)
    return ProgramTrail("config", open_trail, settings)


def write(trail: ProgramTrail, count: int, at: datetime = NOW) -> None:
    store = Store(trail.settings.config_database)
    for number in range(count):
        with store.writing() as tx:
            entry = AuditEntry(at, "user:7", "device.cut-off", "cam-x", {"serials": [f"{number:x}"], "ș": None}, "::1")
            tx.audit.add(entry)
    store.close()


def test_two_writers_at_once_make_one_chain(trail: ProgramTrail) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: write(trail, 10), range(4)))
    verdict = trail.verify()
    assert (verdict.is_whole, verdict.rows) == (True, 40), verdict


def test_a_changed_row_is_named(trail: ProgramTrail) -> None:
    write(trail, 5)
    engine = open_engine(trail.settings.config_database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit SET actor = 'user:8' WHERE id = 3"))
    engine.dispose()
    assert trail.verify().broken_id == 3


def test_retention_cuts_the_front_and_verify_starts_from_what_it_signed(trail: ProgramTrail) -> None:
    write(trail, 3, NOW - timedelta(days=400))
    write(trail, 2)
    assert trail.trim(timedelta(days=365), NOW) == 3
    assert (trail.verify().is_whole, trail.verify().rows) == (True, 2)
    with pytest.raises(NothingToCut):
        trail.trim(timedelta(days=365), NOW)
    assert trail.trim(timedelta(days=1), NOW + timedelta(days=30)) == 2
    write(trail, 1)
    assert (trail.verify().is_whole, trail.verify().rows) == (True, 1)


def test_an_old_row_behind_a_newer_one_is_kept(trail: ProgramTrail) -> None:
    write(trail, 1, NOW - timedelta(days=400))
    write(trail, 1)
    write(trail, 1, NOW - timedelta(days=400))
    assert trail.trim(timedelta(days=365), NOW) == 1
    assert trail.verify().rows == 2
