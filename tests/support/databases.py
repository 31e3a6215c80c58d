"""New, empty databases for tests, on SQLite or on a PostgreSQL server that they share."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.support.postgres import require_postgres, running_postgres


@contextmanager
def new_database(kind: str) -> Iterator[Callable[[Path], str]]:
    """Give a function that returns the URL of another empty database; skips where there is no PostgreSQL."""
    if kind == "sqlite":
        yield lambda folder: f"sqlite:///{folder / 'events.db'}"
        return
    with postgres_databases() as new:
        yield lambda _folder: new()


@contextmanager
def postgres_databases() -> Iterator[Callable[[], str]]:
    """Give a function that returns the URL of another empty database on one server; fails where there can be none."""
    require_postgres()
    with running_postgres() as server:
        yield partial(new_database_on, server)


@contextmanager
def registry_url(kind: str) -> Iterator[str]:
    """Give the URL of an empty database for config_server; an empty text means SQLite in its home."""
    if kind == "sqlite":
        yield ""
        return
    with postgres_databases() as new:
        yield new()


def new_database_on(server: str) -> str:
    """Make one on a PostgreSQL server and return its URL."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.rsplit("/", 1)[0] + f"/{name}"
