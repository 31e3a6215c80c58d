"""The outbox: every event on disk from the step that decided it until the servers say it is committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from uuid import UUID, uuid4

from camera_agent.delivery import trimming
from camera_agent.delivery.entry import Entry, EventMaker, Place, ended, event_of, gap_of, grown_gap
from camera_agent.delivery.ledger import Ledger
from camera_agent.events import Decision
from fleet.messages import Change, Event

SCHEMA_VERSION = 1
DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024

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


class OutboxUnusable(Exception):
    """The file cannot serve as an outbox; the text names the file and what to do."""


class OutboxUnwritable(Exception):
    """The disk takes nothing now (full, read-only); what was given is not kept, try again later."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits: rows, their bytes, and how long the oldest has waited."""

    rows: int
    size_bytes: int
    oldest: timedelta


class Outbox:
    """One SQLite file, WAL with synchronous FULL: a commit that returned survives a power cut.

    Safe to use from any thread. `seq` is never used twice, also after rows were deleted. `session` rises by
    at least one with each opening: it tells one life of the process from the next.
    """

    def __init__(
        self, path: Path, now: datetime, *, limit_bytes: int = DEFAULT_LIMIT_BYTES, ledger: Ledger | None = None
    ) -> None:
        self._path, self._limit_bytes, self._ledger = path, limit_bytes, ledger
        self._lock = Lock()
        try:
            self._db = _connect(path)
            with self._transaction():
                self.id, self.session = self._begin_session(now)
            self._bytes = int(self._one("SELECT coalesce(sum(length(payload)), 0) FROM outbox")[0])
        except sqlite3.Error as error:
            raise OutboxUnusable(
                f"cannot use the outbox {path}: {error}; "
                "make room or make it writable, or move the file away to begin a new one"
            ) from error
        self._witnessed = ledger.last_seq(self.id) if ledger else 0
        self._witness()

    def append(self, stream: str, decisions: Sequence[Decision], now: datetime) -> list[Entry]:
        """Keep what one frame decided, in one commit; raises OutboxUnwritable and then keeps nothing of it."""
        if not decisions:
            return []
        with self._lock:
            with self._writing():
                entries = [self._insert(stream, event_of(decision), now) for decision in decisions]
                self._remember_open(entries, decisions)
                size = self._bytes + sum(len(entry.payload) for entry in entries)
                size = self._make_room(size, now)
            self._bytes = size
            self._witness()
            return entries

    def settle(self, outbox: UUID, ranges: Iterable[tuple[int, int]]) -> bool:
        """Delete what a receipt confirms; False when the receipt is for another outbox."""
        if outbox != self.id:
            return False
        with self._lock:
            with self._writing():
                freed = sum(self._delete_between(low, high) for low, high in ranges)
            self._bytes -= freed
        return True

    def entries_after(self, seq: int, limit: int) -> list[Entry]:
        """Return the oldest rows with a higher `seq`; with a ledger, only those that it already holds."""
        with self._lock:
            self._witness()
            through = self._witnessed if self._ledger else 1 << 62
            rows = self._db.execute(
                "SELECT seq, stream, payload FROM outbox WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                (seq, through, limit),
            )
            return [Entry(*row) for row in rows]

    def entry(self, seq: int) -> Entry | None:
        """Return one row, or None when it was confirmed or dropped meanwhile."""
        with self._lock:
            row = self._db.execute("SELECT seq, stream, payload FROM outbox WHERE seq = ?", (seq,)).fetchone()
            return Entry(*row) if row else None

    def depth(self, now: datetime) -> Depth:
        with self._lock:
            rows, oldest_ms = self._one("SELECT count(*), min(created_ms) FROM outbox")
        waited_ms = max(0, _to_ms(now) - oldest_ms) if rows else 0
        return Depth(rows, self._bytes, timedelta(milliseconds=waited_ms))

    def end_abandoned(self, now: datetime) -> list[Entry]:
        """End, as of when they were last reported, the events that an earlier life of the process left open."""
        with self._lock:
            with self._writing():
                left = self._db.execute("SELECT stream, payload FROM open_event").fetchall()
                ends = [self._insert(stream, ended(Event.decode(payload)), now) for stream, payload in left]
                self._db.execute("DELETE FROM open_event")
            self._bytes += sum(len(entry.payload) for entry in ends)
            self._witness()
            return ends

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _begin_session(self, now: datetime) -> tuple[UUID, int]:
        row = self._db.execute("SELECT outbox, session FROM meta").fetchone()
        outbox, last = (UUID(row[0]), int(row[1])) if row else (uuid4(), 0)
        # The clock keeps sessions rising when the file was lost, the stored one when the clock went back.
        session = max(last + 1, _to_ms(now) // 1000)
        self._db.execute("DELETE FROM meta")
        self._db.execute("INSERT INTO meta VALUES (?, ?)", (str(outbox), session))
        return outbox, session

    def _insert(self, stream: str, make: EventMaker, now: datetime) -> Entry:
        seq = int(self._one("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'outbox'")[0])
        event = make(Place(self.id, seq, self.session, now))
        payload = event.encode()
        self._db.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)",
            (seq, stream, str(event.event_id), event.rev, event.change, _to_ms(now), payload),
        )
        return Entry(seq, stream, payload)

    def _remember_open(self, entries: Sequence[Entry], decisions: Sequence[Decision]) -> None:
        for entry, decision in zip(entries, decisions, strict=True):
            event_id = str(decision.event_id)
            if decision.change is Change.END:
                self._db.execute("DELETE FROM open_event WHERE event_id = ?", (event_id,))
            else:
                row = (event_id, entry.stream, entry.payload)
                self._db.execute("INSERT OR REPLACE INTO open_event VALUES (?, ?, ?)", row)

    def _make_room(self, size: int, now: datetime) -> int:
        """Keep the limit by DESIGN §5's order of dropping; whole events lost are said in a gap event."""
        if size <= self._limit_bytes:
            return size
        room = trimming.make_room(self._db, size, target_bytes=self._limit_bytes * 9 // 10)
        size = room.size_bytes
        for stream, lost in room.lost.items():
            waiting = trimming.take_gap(self._db, stream)
            gap = grown_gap(Event.decode(waiting), lost) if waiting else gap_of(lost)
            size += len(self._insert(stream, gap, now).payload) - len(waiting or b"")
        return size

    def _delete_between(self, low: int, high: int) -> int:
        low, high = max(low, 0), min(high, (1 << 63) - 1)
        rows = self._db.execute("DELETE FROM outbox WHERE seq BETWEEN ? AND ? RETURNING length(payload)", (low, high))
        return sum(row[0] for row in rows.fetchall())

    def _witness(self) -> None:
        """Copy rows that the ledger lacks into it, so that nothing is ever sent which it does not hold."""
        if self._ledger is None:
            return
        rows = self._db.execute(
            "SELECT seq, stream, payload FROM outbox WHERE seq > ? ORDER BY seq", (self._witnessed,)
        )
        fresh = [Entry(*row) for row in rows]
        if fresh and self._ledger.write(fresh):
            self._witnessed = fresh[-1].seq

    def _one(self, query: str) -> tuple[int, ...]:
        row: tuple[int, ...] = self._db.execute(query).fetchone()
        return row

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with self._transaction():
                yield
        except sqlite3.Error as error:
            raise OutboxUnwritable(
                f"cannot write the outbox {self._path}: {error}; make room on its disk or make it writable"
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    path.chmod(0o600)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise OutboxUnusable(f"the outbox {path} was written by a newer camfleet-agent: install that release again")
    if version == 0:
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    return db


def _to_ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
