"""What an outbox gives up when it is full: superseded updates, then newest updates, then whole events."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

_STEP = 1000
# Each looks on after the row where the last step ended: a large outbox is walked once, and never held in memory.
_SUPERSEDED = f"""
SELECT seq, length(payload) FROM outbox AS old
WHERE seq > ? AND change = 'update'
AND EXISTS (SELECT 1 FROM outbox AS newer WHERE newer.event_id = old.event_id AND newer.rev > old.rev)
ORDER BY seq LIMIT {_STEP}
"""  # noqa: S608  (a number of our own)
# Those left after the superseded ones are the newest of events whose end is still to come.
_NEWEST_OF_OPEN = f"""
SELECT seq, length(payload) FROM outbox WHERE seq > ? AND change = 'update' ORDER BY seq LIMIT {_STEP}
"""  # noqa: S608
_OLDEST = f"SELECT seq, event_id, stream FROM outbox WHERE seq > ? AND change != 'gap' ORDER BY seq LIMIT {_STEP}"  # noqa: S608


@dataclass
class Room:
    """What is left after dropping: bytes, and how many whole events each stream lost."""

    size_bytes: int
    lost: Counter[str] = field(default_factory=Counter)


def make_room(db: sqlite3.Connection, size_bytes: int, *, target_bytes: int) -> Room:
    """Delete rows in order of worth until at most `target_bytes` are left, or only gaps are."""
    room = Room(size_bytes)
    for query in (_SUPERSEDED, _NEWEST_OF_OPEN):
        _drop_updates(db, query, room, target_bytes)
    _drop_events(db, room, target_bytes)
    return room


def take_gap(db: sqlite3.Connection, stream: str) -> bytes | None:
    """Remove and return the gap event that already waits for this stream: one says it all."""
    row = db.execute("DELETE FROM outbox WHERE stream = ? AND change = 'gap' RETURNING payload", (stream,)).fetchone()
    return bytes(row[0]) if row else None


def _drop_updates(db: sqlite3.Connection, query: str, room: Room, target_bytes: int) -> None:
    after = 0
    while room.size_bytes > target_bytes:
        found = db.execute(query, (after,)).fetchall()
        if not found:
            return
        for seq, size in found:
            if room.size_bytes <= target_bytes:
                return
            db.execute("DELETE FROM outbox WHERE seq = ?", (seq,))
            room.size_bytes -= size
            after = seq


def _drop_events(db: sqlite3.Connection, room: Room, target_bytes: int) -> None:
    after = 0
    while room.size_bytes > target_bytes:
        found = db.execute(_OLDEST, (after,)).fetchall()
        if not found:
            return
        for seq, event_id, stream in found:
            if room.size_bytes <= target_bytes:
                return
            _drop_event(db, room, event_id, stream)
            after = seq


def _drop_event(db: sqlite3.Connection, room: Room, event_id: str, stream: str) -> None:
    """Drop all rows of an event. It is lost with its end only: one still open will yet say everything with that, and
    of one whose end is not here the servers have it."""
    query = "DELETE FROM outbox WHERE event_id = ? RETURNING length(payload), change"
    rows = db.execute(query, (event_id,)).fetchall()
    room.size_bytes -= sum(size for size, _ in rows)
    if any(change == "end" for _, change in rows):
        room.lost[stream] += 1
