"""The door to the database: one engine per process, short transactions for reading and for writing."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dashboard.store.tables import change_counter

BUSY_TIMEOUT_MS = 5_000
# 16 MiB of log before it is moved: a page of an index that changes with each batch is moved once for many of them.
CHECKPOINT_PAGES = 4_000
# Any number that no other program takes on the same PostgreSQL database.
BATCH_LOCK = 0x63616D66


# The driver's own text: this is asked for every batch, however small.
_TAKE_NUMBERS = {
    "sqlite": "UPDATE change_counter SET value = value + ? RETURNING value",
    "postgresql": "UPDATE change_counter SET value = value + %s RETURNING value",
}


class StoreUnavailable(Exception):
    """The database does not answer or cannot write now (locked, down, disk full); the same call may work later."""


class RowRefused(Exception):
    """The database answers and will never take one of these rows (a number too large, a character it cannot hold)."""


class Database:
    """One SQLite file or PostgreSQL database; it connects when first needed, so it may be made before a fork.

    `undoes_in_memory`: for who writes many rows by one statement. What SQLite keeps to undo one goes to memory then; in
    a file it is as much as what is written. So do the sorts of an index that is made: nothing for a migration.
    """

    def __init__(self, url: str, *, undoes_in_memory: bool = False) -> None:
        self.url = _with_driver(url)
        self.engine = _make_engine(self.url)
        if undoes_in_memory and self.is_sqlite:
            event.listen(self.engine, "connect", _undo_in_memory)
        # SQLite gives every transaction one view of the database; PostgreSQL only when asked.
        one_view = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(**one_view)

    @property
    def is_sqlite(self) -> bool:
        """Say whether the embedded database is in use."""
        return self.engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path | None:
        """Return SQLite's file; None on PostgreSQL."""
        return Path(self.engine.url.database) if self.is_sqlite and self.engine.url.database else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection whose queries see one state of the database."""
        with _outcome_named(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that holds the write lock from its first step; it is durable when this returns."""
        with _outcome_named(), self._writing_connection() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": BATCH_LOCK})
            yield connection

    @contextmanager
    def taking_away(self) -> Iterator[Connection]:
        """Give a transaction that changes nothing that readers follow: PostgreSQL needs no turn for it."""
        with _outcome_named(), self._writing_connection() as connection, connection.begin():
            yield connection

    @contextmanager
    def sweeping(self) -> Iterator[Connection]:
        """Give such a transaction whose end is only its own commit; whoever sweeps calls `move_log` after it.

        Else SQLite moves its log at the end of whichever commit finds it long: time that looks like a hold.
        """
        with self.taking_away() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
            yield connection

    def move_log(self) -> None:
        """Let SQLite move what its log holds into its file, as far as nobody is in the way; no writer waits for that.

        It is done as a step of its own after much was changed, or some commit, of ingest say, would do it for us all.
        """
        if self.is_sqlite:
            with _outcome_named(), self._reader.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # type: ignore[union-attr]

    def vacuum(self, table: str) -> None:
        """Let PostgreSQL forget rows that went, which searches walk over until then; nobody waits for it.

        SQLite's are gone at once.
        """
        if not self.is_sqlite:
            with _outcome_named(), self.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(f"VACUUM (ANALYZE) {table}")

    def _writing_connection(self) -> Connection:
        return self.engine.connect().execution_options(camfleet_writes=True)

    def ping(self) -> None:
        """Raise StoreUnavailable unless the database answers and has its tables."""
        with self.reading() as connection:
            connection.execute(select(change_counter.c.value)).scalar_one()

    def watching_connection(self) -> sqlite3.Connection:
        """Return a connection of SQLite's own driver that only watches PRAGMA data_version; the caller keeps it."""
        if self.file is None:
            raise ValueError("only SQLite has a data version")
        return sqlite3.connect(self.file, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def take_change_numbers(connection: Connection, count: int) -> int:
    """Reserve `count` change numbers inside a writing transaction and return the first.

    Readers see numbers only with the rows that carry them, because both are committed together.
    """
    statement = _TAKE_NUMBERS[connection.dialect.name]
    last: int = connection.exec_driver_sql(statement, (count,)).scalar_one()
    return last - count + 1


def _with_driver(url: str) -> str:
    for short in ("postgresql://", "postgres://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url


def _make_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: writers take the lock at their first step (BEGIN IMMEDIATE).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _undo_in_memory(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA temp_store=MEMORY")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("camfleet_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _outcome_named() -> Iterator[None]:
    try:
        yield
    except (DataError, IntegrityError, OverflowError, UnicodeError) as error:
        raise RowRefused(_one_line(error)) from error
    except (DBAPIError, PoolTimeout) as error:
        raise StoreUnavailable(_one_line(error)) from error


def _one_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]
