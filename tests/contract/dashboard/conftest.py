"""The same store on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.store.database import Database
from dashboard.store.migrate import migrate_database
from tests.support.databases import postgres_databases

# For what only one of the two has: there is nothing to skip where a test is not for a database.
ON_SQLITE = pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[Callable[[], str]]:
    """One server for all tests; each call gives the URL of an empty database."""
    with postgres_databases() as new:
        yield new


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
    return str(request.getfixturevalue("new_postgres")())


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """A database with this release's tables."""
    database = Database(empty_url)
    migrate_database(database)
    yield database
    database.close()
