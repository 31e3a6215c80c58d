"""New, empty databases for tests, on SQLite or on a PostgreSQL server that they share."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.support.postgres import missing_postgres, running_postgres


@contextmanager
def new_database(kind: str) -> Iterator[Callable[[Path], str]]:
    """Give a function that returns the URL of another empty database; skips where there is no PostgreSQL."""
    if kind == "sqlite":
        yield lambda folder: f"sqlite:///{folder / 'events.db'}"
        return
    reason = missing_postgres()
    if reason:
        pytest.skip(reason)
    with running_postgres() as server:
        yield lambda _folder: new_database_on(server)


def new_database_on(server: str) -> str:
    """Make one on a PostgreSQL server and return its URL."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.rsplit("/", 1)[0] + f"/{name}"
