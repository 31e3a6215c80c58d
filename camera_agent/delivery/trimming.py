"""What an outbox gives up when it is full: superseded updates, then newest updates, then whole events."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

_SUPERSEDED = """
SELECT seq, length(payload) FROM outbox AS old
WHERE change = 'update'
AND EXISTS (SELECT 1 FROM outbox AS newer WHERE newer.event_id = old.event_id AND newer.rev > old.rev)
ORDER BY seq
"""
# Those left after the superseded ones are the newest of events whose end is still to come.
_NEWEST_OF_OPEN = "SELECT seq, length(payload) FROM outbox WHERE change = 'update' ORDER BY seq"
_WHOLE_EVENTS = """
SELECT event_id, stream, sum(length(payload)) FROM outbox
WHERE change != 'gap' GROUP BY event_id, stream ORDER BY min(seq)
"""


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
    if room.size_bytes <= target_bytes:
        return
    for seq, size in db.execute(query).fetchall():
        if room.size_bytes <= target_bytes:
            return
        db.execute("DELETE FROM outbox WHERE seq = ?", (seq,))
        room.size_bytes -= size


def _drop_events(db: sqlite3.Connection, room: Room, target_bytes: int) -> None:
    if room.size_bytes <= target_bytes:
        return
    for event_id, stream, size in db.execute(_WHOLE_EVENTS).fetchall():
        if room.size_bytes <= target_bytes:
            return
        db.execute("DELETE FROM outbox WHERE event_id = ?", (event_id,))
        room.size_bytes -= size
        room.lost[stream] += 1
