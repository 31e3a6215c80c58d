"""What becomes of a damaged outbox: it is put aside, and what can still be read of it moves into the new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from camera_agent.delivery.entry import EventMaker, moved, read_event
from camera_agent.delivery.outbox_file import move, readable_rows
from fleet.logs import get_logger
from fleet.messages import Event

_ROWS = "SELECT stream, payload FROM outbox ORDER BY seq"
_ROWS_FROM_THE_END = f"{_ROWS} DESC"
_OPEN = "SELECT stream, payload FROM open_event"

Insert = Callable[[str, EventMaker], None]

log = get_logger(__name__)


def put_aside(path: Path) -> None:
    """Move a damaged file to where the next opening finds it, also when this process dies now."""
    move(path, _pending(path))


def take_over(db: sqlite3.Connection, path: Path, insert: Insert) -> bool:
    """Copy what is readable of a file that was put aside, in the caller's transaction; False when there is none."""
    if not _pending(path).exists():
        return False
    events = 0
    for stream, event in _readable(_pending(path)):
        insert(stream, moved(event))
        events += 1
    for stream, payload in readable_rows(_pending(path), _OPEN):
        event_still_open = read_event(payload)
        if event_still_open is not None:
            row = (str(event_still_open.event_id), stream, payload)
            db.execute("INSERT OR REPLACE INTO open_event VALUES (?, ?, ?)", row)
    db.execute("CREATE TABLE IF NOT EXISTS damage (unsaid INTEGER)")
    db.execute("INSERT INTO damage VALUES (1)")
    log.error("what the damaged outbox still told was taken over", events=events, kept_as=str(_kept(path)))
    return True


def done(path: Path, salvaged: bool) -> None:
    """Once the new file holds it: give the damaged one the name under which a person may look at it, only the last."""
    if salvaged:
        move(_pending(path), _kept(path))


def was_damaged(db: sqlite3.Connection) -> bool:
    """Say whether nobody has been told yet that events may be missing."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'damage'").fetchone() is not None


def forget_damage(db: sqlite3.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS damage")


def _readable(path: Path) -> Iterator[tuple[str, Event]]:
    """Yield the events from both ends of the file to its first bad page."""
    reached = 0
    for stream, payload in readable_rows(path, _ROWS):
        event = read_event(payload)
        if event is not None:
            reached = event.seq
            yield stream, event
    for stream, payload in readable_rows(path, _ROWS_FROM_THE_END):
        event = read_event(payload)
        if event is not None:
            if event.seq <= reached:
                return
            yield stream, event


def _pending(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged-now")


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
