"""Open the database with the settings that keep it safe, and hand out transactions."""

import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

_WRITING = "camfleet_writing"
BUSY_S = 5
BUSY_MS = BUSY_S * 1000
ASK_AGAIN_S = 0.0002
# 16 MiB of log. At SQLite's own 4 MiB every fiftieth enrolment would carry it all over, holding up the others.
CHECKPOINT_PAGES = 4000
# One for each thread of a worker: what goes beyond the pool is opened and closed anew every time.
KEPT_CONNECTIONS = 16


class StoreUnavailable(Exception):
    """The database cannot be read or written now: full or read-only disk, no server, no permission."""


def open_engine(url: str, *, durable: bool = True) -> Engine:
    """An engine for SQLite (WAL, synchronous FULL) or PostgreSQL; nothing is connected yet.

    Without `durable` a commit does not wait for the disk; what was committed durably stays so.
    """
    is_sqlite = url.startswith("sqlite")
    # `transaction` ends every transaction; what a lost one left on a server's connection the pool clears.
    reset = None if is_sqlite else "rollback"
    engine = create_engine(
        url, pool_pre_ping=not is_sqlite, pool_size=KEPT_CONNECTIONS, pool_reset_on_return=reset
    )
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
    waits = f"busy_timeout = {BUSY_MS}"
    durability = ("journal_mode = WAL", f"synchronous = {synchronous}", f"wal_autocheckpoint = {CHECKPOINT_PAGES}")
    for pragma in (waits, *durability, "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: upgrading a read transaction later fails without waiting.
    if connection.get_execution_options().get(_WRITING, False):
        _take_the_writers_turn(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _take_the_writers_turn(connection: Connection) -> None:
    """BEGIN IMMEDIATE. SQLite itself asks again after up to 100 ms, in which several others could have written."""
    driver: Any = connection.connection.driver_connection
    give_up = time.monotonic() + BUSY_S
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while _is_busy(driver) and time.monotonic() < give_up:
            time.sleep(ASK_AGAIN_S)
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if not driver.in_transaction:
        # What is wrong is said by SQLAlchemy, as everywhere else.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_busy(driver: Any) -> bool:
    """Try once; True when another one writes."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as refusal:
        return refusal.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False


@contextmanager
def transaction(engine: Engine, *, writing: bool) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any exception."""
    with _outcome_named(engine), engine.connect() as connection:
        prepared = connection.execution_options(**{_WRITING: writing})
        with prepared.begin():
            yield prepared


@dataclass(frozen=True)
class KeptConnections:
    """Transactions on connections that stay open in between, for SQLite, which has no server to lose them.

    To take one from SQLAlchemy's pool and give it back costs as much as what an enrolment writes.
    """

    engine: Engine
    writing: bool
    _idle: deque[Connection] = field(default_factory=deque)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """As `transaction`; a connection that saw a failure goes back to the pool."""
        with _outcome_named(self.engine):
            connection = self._take()
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self.engine.connect().execution_options(**{_WRITING: self.writing})


@contextmanager
def _outcome_named(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as failure:
        raise StoreUnavailable(f"the registry's database is not usable: {reason_of(failure)}") from failure


def reason_of(failure: Exception) -> str:
    """What the database said, on one line and without the statement, which may hold secrets."""
    return " ".join(str(failure.orig if isinstance(failure, DBAPIError) else failure).split())
