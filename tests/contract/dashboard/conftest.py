"""The same store on SQLite and on PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from dashboard.store.database import Database
from dashboard.store.migrate import migrate_database
from tests.support.postgres import missing_postgres, running_postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """One server for all tests."""
    reason = missing_postgres()
    if reason:
        pytest.skip(reason)
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    return new_url(request, request.param, tmp_path)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with this release's tables for all tests of a module, which only read what the first one wrote."""
    database = Database(new_url(request, request.param, tmp_path_factory.mktemp("shared")))
    migrate_database(database)
    yield database
    database.close()


def new_url(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """Return where a new, empty database is."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'events.db'}"
    server = str(request.getfixturevalue("postgres_url"))
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """A database with this release's tables."""
    database = Database(empty_url)
    migrate_database(database)
    yield database
    database.close()
