"""The outbox's file: how it is opened so that a commit survives a power cut, and what becomes of a damaged one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

SCHEMA_VERSION = 1
LOG_PAGES = 64
"""After so many the log is written back: on a full disk that needs room once more, and there is little."""
ENDINGS = ("", "-wal", "-shm")

_SCHEMA = """
CREATE TABLE meta (outbox TEXT NOT NULL, session INTEGER NOT NULL);
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    event_id TEXT NOT NULL,
    rev INTEGER NOT NULL,
    change TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX outbox_event ON outbox (event_id, rev);
CREATE TABLE open_event (event_id TEXT PRIMARY KEY, stream TEXT NOT NULL, payload BLOB NOT NULL);
"""

Row = tuple[str, bytes]
"""A stream's name and an event's payload."""


class OutboxUnusable(Exception):
    """The file cannot serve as an outbox; the text names the file and what to do."""


def connect(path: Path) -> sqlite3.Connection:
    """Open and check the file, made if missing; raises OutboxUnusable (newer) and sqlite3.Error (see `is_damage`).

    WAL with synchronous FULL: each commit is on the disk, by fsync, before it returns.
    """
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        path.chmod(0o600)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        if _require_known(path, db) == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            _sync_folder(path.parent)
        found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        if found != "ok":
            raise _damage(found)
    except BaseException:
        db.close()
        raise
    return db


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file holds, for people."""

    outbox: str
    rows: int
    size_bytes: int
    oldest_ms: int | None


def look(path: Path) -> Facts | None:
    """Read what a file holds without changing it; None when there is none that can be read; raises OutboxUnusable."""
    query = "SELECT count(*), coalesce(sum(length(payload)), 0), min(created_ms) FROM outbox"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            _require_known(path, db)
            (outbox,), (rows, size_bytes, oldest_ms) = (
                db.execute("SELECT outbox FROM meta").fetchone(),
                db.execute(query).fetchone(),
            )
    except (sqlite3.Error, TypeError):
        return None
    return Facts(outbox, rows, size_bytes, oldest_ms)


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether an error means that the file itself is broken, and not its disk, its rights or its use."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_full(error: BaseException | None) -> bool:
    """Say whether an error means that there is no room."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def move(path: Path, to: Path) -> None:
    """Rename a database with what belongs to it; what stood there before is gone."""
    for ending in reversed(ENDINGS):
        # The database goes last: as long as it has its name, the move is not done and begins again.
        source, target = path.with_name(path.name + ending), to.with_name(to.name + ending)
        target.unlink(missing_ok=True)
        if source.exists():
            source.rename(target)
    _sync_folder(path.parent)


def readable_rows(path: Path, query: str) -> Iterator[Row]:
    """Yield what of `query` (stream, payload) can still be read of a damaged file: all until the first bad page."""
    try:
        db = sqlite3.connect(path, isolation_level=None)
    except sqlite3.Error:
        return
    try:
        for stream, payload in db.execute(query):
            yield str(stream), bytes(payload)
    except (sqlite3.Error, TypeError, ValueError, OverflowError):
        return
    finally:
        db.close()


def _require_known(path: Path, db: sqlite3.Connection) -> int:
    """Return the file's schema, 0 for one without."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise OutboxUnusable(
            f"the outbox {path} was written by a newer camfleet-agent (schema {version}, this one knows "
            f"{SCHEMA_VERSION}): install that release again, or run "
            f"'camfleet-agent outbox set-aside --home {path.parent}' to begin a new one"
        )
    return version


def _damage(found: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(found.splitlines()[-1])
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
