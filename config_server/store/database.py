"""Open the database with the settings that keep it safe, and hand out transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

_WRITING = "camfleet_writing"


class StoreUnavailable(Exception):
    """The database cannot be read or written now: full or read-only disk, no server, no permission."""


def open_engine(url: str, *, durable: bool = True) -> Engine:
    """An engine for SQLite (WAL, synchronous FULL) or PostgreSQL; nothing is connected yet.

    Without `durable` a commit does not wait for the disk; what was committed durably stays so.
    """
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite, synchronous="FULL" if durable else "NORMAL"))
        event.listen(engine, "begin", _begin_sqlite)
    elif not durable:
        event.listen(engine, "begin", _begin_hastily)
    return engine


def _begin_hastily(connection: Connection) -> None:
    connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any, *, synchronous: str) -> None:
    # Python's own transaction handling starts a transaction too late; ours begins in _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("busy_timeout = 5000", "journal_mode = WAL", f"synchronous = {synchronous}", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: upgrading a read transaction later fails without waiting.
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def transaction(engine: Engine, *, writing: bool) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any exception."""
    try:
        with engine.connect() as connection:
            prepared = connection.execution_options(**{_WRITING: writing})
            with prepared.begin():
                yield prepared
    except DBAPIError as failure:
        raise StoreUnavailable(f"the registry's database is not usable: {reason_of(failure)}") from failure


def reason_of(failure: DBAPIError) -> str:
    """What the database said, on one line and without the statement, which may hold secrets."""
    return " ".join(str(failure.orig).split())
