"""The outbox: every event on disk from the step that decided it until the servers say it is committed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from uuid import UUID, uuid4

from camera_agent.delivery import outbox_file, salvage, trimming
from camera_agent.delivery.entry import Entry, EventMaker, Place, ended, event_of, gap_of, grown_gap, read_event
from camera_agent.delivery.ledger import Ledger
from camera_agent.delivery.outbox_file import OutboxUnusable
from camera_agent.delivery.reserve import Reserve
from camera_agent.events import Decision
from fleet.logs import get_logger
from fleet.messages import Change

DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024
FEW_ROWS, FREE_PAGES = 100, 256
"""With so few rows a file that has more free pages than this is made small again."""
LARGEST = (1 << 63) - 1
ROWS_ON_A_FULL_DISK = 10
"""Deleted in one commit when space is short: its pages in the log are far fewer than the reserve holds."""

log = get_logger(__name__)


class OutboxUnwritable(Exception):
    """The disk takes nothing now (full, read-only); what was given is not kept, try again later."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits: rows, their bytes, and how long the oldest has waited."""

    rows: int
    size_bytes: int
    oldest: timedelta


@dataclass(slots=True)
class _Held:
    """What the file holds, counted along so that nobody has to ask it."""

    rows: int
    size_bytes: int
    newest: int

    def add(self, entries: Sequence[Entry]) -> None:
        self.rows += len(entries)
        self.size_bytes += sum(len(entry.payload) for entry in entries)
        self.newest = max(self.newest, *(entry.seq for entry in entries)) if entries else self.newest


class Outbox:
    """One SQLite file, WAL with synchronous FULL: a commit that returned survives a power cut.

    Safe to use from any thread. `seq` is never used twice, also after rows were deleted. `session` rises by
    at least one with each opening: it tells one life of the process from the next. A file that turns out damaged
    is moved aside and what can be read of it is taken over into a new one, with a new `id`: a camera in the field
    must go on (decision 0018). How long rows wait is measured by `seconds`, which nobody can set.
    """

    def __init__(
        self,
        path: Path,
        now: datetime,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        ledger: Ledger | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._limit_bytes, self._ledger, self._seconds = path, limit_bytes, ledger, seconds
        self._opened, self._opened_s = now, seconds()
        self._lock = Lock()
        self._reserve = Reserve(path.with_name(f"{path.name}.reserve"))
        self._db: sqlite3.Connection | None = None
        self._is_broken = self._was_damaged = False
        self._witnessed = self.session = 0
        try:
            self._open_in_some_space()
        except (sqlite3.Error, OSError) as error:
            raise OutboxUnusable(
                f"cannot use the outbox {path}: {error}; make room or make it writable, or begin a new one with "
                f"'camfleet-agent outbox set-aside --home {path.parent}'"
            ) from error

    def append(self, stream: str, decisions: Sequence[Decision], now: datetime) -> list[Entry]:
        """Keep what one frame decided, in one commit; raises OutboxUnwritable and then keeps nothing of it."""
        if not decisions:
            return []
        with self._lock:
            if not self._reserve.hold():
                raise OutboxUnwritable(f"the disk of the outbox {self._path} is full; make room on it")
            with self._writing() as db:
                entries = [self._insert(db, stream, event_of(decision), now) for decision in decisions]
                _remember_open(db, entries, decisions)
                self._make_room(db, now)
            self._witness()
            return entries

    def settle(self, outbox: UUID, ranges: Iterable[tuple[int, int]]) -> bool:
        """Delete what a receipt confirms; False when the receipt is for another outbox."""
        if outbox != self.id:
            return False
        spans = list(ranges)
        with self._lock:
            try:
                with self._writing() as db:
                    for low, high in spans:
                        self._delete_between(db, low, high)
            except OutboxUnwritable as error:
                if not outbox_file.is_full(error.__cause__):
                    raise
                self._settle_on_a_full_disk(spans)
            self._shrink()
            self._reserve.hold()
        return True

    def newest(self) -> int:
        """Return the highest number that may be sent; with a ledger, of what that already holds."""
        with self._lock:
            self._witness()
            return min(self._held.newest, self._witnessed) if self._ledger else self._held.newest

    def between(self, low: int, high: int, limit: int) -> list[Entry]:
        """Return the oldest rows of an inclusive range of numbers; raises OutboxUnwritable if they cannot be read."""
        query = "SELECT seq, stream, payload FROM outbox WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
        with self._lock, self._reading() as db:
            return [Entry(*row) for row in db.execute(query, (low, high, limit))]

    def entries(self, seqs: Sequence[int]) -> list[Entry]:
        """Return those of these rows that are still there, neither confirmed nor dropped."""
        marks = ",".join("?" * len(seqs))
        query = f"SELECT seq, stream, payload FROM outbox WHERE seq IN ({marks}) ORDER BY seq"  # noqa: S608  (marks)
        with self._lock, self._reading() as db:
            return [Entry(*row) for row in db.execute(query, tuple(seqs))]

    def depth(self) -> Depth:
        """Return how much waits. Nothing is counted anew: this may be asked often, whatever lies there."""
        with self._lock:
            waited = timedelta(0)
            with suppress(OutboxUnwritable), self._reading() as db:
                oldest = db.execute("SELECT created_ms FROM outbox ORDER BY seq LIMIT 1").fetchone()
                # The clock of an earlier life may have been ahead.
                waited = timedelta(milliseconds=max(0, self._steady_ms() - int(oldest[0]))) if oldest else waited
            return Depth(self._held.rows, self._held.size_bytes, waited)

    def end_abandoned(self, now: datetime) -> list[Entry]:
        """End, as of when they were last reported, the events that an earlier life of the process left open."""
        with self._lock:
            try:
                ends = self._end_abandoned(now)
            except OutboxUnwritable as error:
                if not outbox_file.is_full(error.__cause__):
                    raise
                self._reserve.release()
                ends = self._end_abandoned(now)
            self._reserve.hold()
            self._witness()
            return ends

    def _end_abandoned(self, now: datetime) -> list[Entry]:
        with self._writing() as db:
            rows = db.execute("SELECT stream, payload FROM open_event").fetchall()
            left = [(stream, event) for stream, payload in rows if (event := read_event(payload))]
            ends = [self._insert(db, stream, ended(event), now) for stream, event in left]
            db.execute("DELETE FROM open_event")
            self._make_room(db, now)
            return ends

    def say_damage(self, streams: Iterable[str], now: datetime) -> bool:
        """Say in a gap event of each stream that a damaged file took events with it; False when there was none."""
        if not self._was_damaged:
            return False
        with self._lock:
            with self._writing() as db:
                for stream in streams:
                    self._insert(db, stream, gap_of(None), now)
                salvage.forget_damage(db)
            self._was_damaged = False
            self._witness()
        return True

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()

    def _open_in_some_space(self) -> None:
        try:
            self._open()
        except (sqlite3.Error, OSError):
            # An earlier life may have filled the disk: with the space that it held this one can deliver.
            self._reserve.release()
            self._open()
        self._reserve.hold()

    def _open(self) -> sqlite3.Connection:
        """Open the file, and first put a damaged one aside; what is left of that is taken over in one commit."""
        db = self._connect()
        try:
            with _transaction(db):
                self.id, self.session = self._begin_session(db)
                self._held = _count(db)
                salvaged = salvage.take_over(db, self._path, lambda stream, make: self._take_in(db, stream, make))
                self._make_room(db, self._opened)
                self._was_damaged = salvage.was_damaged(db)
        except BaseException:
            db.close()
            raise
        self._db = db
        salvage.done(self._path, salvaged)
        self._witnessed = self._ledger.last_seq(self.id) if self._ledger else 0
        self._witness()
        return db

    def _connect(self) -> sqlite3.Connection:
        if not self._is_broken:
            try:
                return outbox_file.connect(self._path)
            except sqlite3.Error as error:
                if not outbox_file.is_damage(error):
                    raise
                self._note_damage(error)
        salvage.put_aside(self._path)
        self._is_broken = False
        return outbox_file.connect(self._path)

    def _note_damage(self, error: sqlite3.Error) -> None:
        log.error("the outbox is damaged; it is put aside and a new one begins", path=str(self._path), error=str(error))
        self._is_broken = True

    def _begin_session(self, db: sqlite3.Connection) -> tuple[UUID, int]:
        row = db.execute("SELECT outbox, session FROM meta").fetchone()
        outbox, last = (UUID(row[0]), int(row[1])) if row else (uuid4(), 0)
        # The clock keeps sessions rising when the file was lost, the stored one when the clock went back. A file that
        # was damaged under a living process begins in the same life.
        session = self.session or max(last + 1, _to_ms(self._opened) // 1000)
        db.execute("DELETE FROM meta")
        db.execute("INSERT INTO meta VALUES (?, ?)", (str(outbox), session))
        return outbox, session

    def _insert(self, db: sqlite3.Connection, stream: str, make: EventMaker, now: datetime) -> Entry:
        row = db.execute("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        seq = int(row[0])
        event = make(Place(self.id, seq, self.session, now))
        payload = event.encode()
        values = (seq, stream, str(event.event_id), event.rev, event.change, self._steady_ms(), payload)
        db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        entry = Entry(seq, stream, payload)
        self._held.add([entry])
        return entry

    def _take_in(self, db: sqlite3.Connection, stream: str, make: EventMaker) -> None:
        self._insert(db, stream, make, self._opened)

    def _make_room(self, db: sqlite3.Connection, now: datetime) -> None:
        """Keep the limit by DESIGN §5's order of dropping; whole events lost are said in a gap event."""
        if self._held.size_bytes <= self._limit_bytes:
            return
        room = trimming.make_room(db, self._held.size_bytes, target_bytes=self._limit_bytes * 9 // 10)
        for stream, lost in room.lost.items():
            waiting = trimming.take_gap(db, stream)
            self._insert(db, stream, grown_gap(read_event(waiting) if waiting else None, lost), now)
        self._held = _count(db)

    def _settle_on_a_full_disk(self, spans: Iterable[tuple[int, int]]) -> None:
        """Delete in the space that is held for this, a little at a time, and give back what the log took of it."""
        self._reserve.release()
        query = "SELECT max(seq) FROM (SELECT seq FROM outbox WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?)"
        for low, high in spans:
            low, high = max(low, 0), min(high, LARGEST)
            while low <= high:
                with self._writing() as db:
                    through = db.execute(query, (low, high, ROWS_ON_A_FULL_DISK)).fetchone()[0]
                    if through is not None:
                        self._delete_between(db, low, through)
                if through is None:
                    break
                low = through + 1
                with self._reading() as db:
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _shrink(self) -> None:
        """After a backlog: give its space back to the disk, as long as little has to be copied for it."""
        if self._held.rows > FEW_ROWS:
            return
        with suppress(OutboxUnwritable), self._reading() as db:
            if int(db.execute("PRAGMA freelist_count").fetchone()[0]) > FREE_PAGES:
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _delete_between(self, db: sqlite3.Connection, low: int, high: int) -> None:
        low, high = max(low, 0), min(high, LARGEST)
        rows = db.execute("DELETE FROM outbox WHERE seq BETWEEN ? AND ? RETURNING length(payload)", (low, high))
        freed = [row[0] for row in rows.fetchall()]
        self._held.rows -= len(freed)
        self._held.size_bytes -= sum(freed)

    def _witness(self) -> None:
        """Copy rows that the ledger lacks into it, so that nothing is ever sent which it does not hold."""
        if self._ledger is None or self._held.newest <= self._witnessed:
            return
        query = "SELECT seq, stream, payload FROM outbox WHERE seq > ? ORDER BY seq"
        with suppress(OutboxUnwritable), self._reading() as db:
            fresh = [Entry(*row) for row in db.execute(query, (self._witnessed,))]
            if fresh and self._ledger.write(fresh):
                self._witnessed = fresh[-1].seq

    def _steady_ms(self) -> int:
        """The time when this life began and what has passed since: a clock that is set meanwhile changes no age."""
        return _to_ms(self._opened) + int((self._seconds() - self._opened_s) * 1000)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            before = _Held(self._held.rows, self._held.size_bytes, self._held.newest)
            try:
                with _transaction(db):
                    yield db
            except BaseException:
                self._held = before
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Hand out the file, opened again if it turned out damaged; raises OutboxUnwritable for what failed."""
        try:
            yield self._db or self._open()
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and outbox_file.is_damage(error) and self._db is not None:
                self._note_damage(error)
                # The next use begins anew.
                self._db.close()
                self._db = None
            raise OutboxUnwritable(
                f"cannot write the outbox {self._path}: {error}; make room on its disk or make it writable"
            ) from error


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _count(db: sqlite3.Connection) -> _Held:
    rows, size_bytes = db.execute("SELECT count(*), coalesce(sum(length(payload)), 0) FROM outbox").fetchone()
    newest = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'").fetchone()[0]
    return _Held(int(rows), int(size_bytes), int(newest))


def _remember_open(db: sqlite3.Connection, entries: Sequence[Entry], decisions: Sequence[Decision]) -> None:
    for entry, decision in zip(entries, decisions, strict=True):
        event_id = str(decision.event_id)
        if decision.change is Change.END:
            db.execute("DELETE FROM open_event WHERE event_id = ?", (event_id,))
        else:
            db.execute("INSERT OR REPLACE INTO open_event VALUES (?, ?, ?)", (event_id, entry.stream, entry.payload))


def _to_ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
