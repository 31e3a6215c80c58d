"""Write what changed as bytes of an event stream. Pure."""

import json
from typing import Any

from dashboard.presentation import camera_json, event_json
from dashboard.store.changes import ChangeSet

HELLO = b"retry: 2000\n: hello\n\n"
HEARTBEAT = b": still here\n\n"


def render_changes(changes: ChangeSet) -> bytes:
    """Return one `changes` message; its id is the change_seq from which a client goes on."""
    data = {
        "cameras": [camera_json(camera) for camera in changes.cameras],
        "events": [event_json(row) for row in changes.events],
    }
    return _message("changes", data, changes.last)


def render_summary(cursor: int, skipped: int) -> bytes:
    """Return the message for a client that is too far behind: load the lists again, go on from `cursor`."""
    return _message("summary", {"cursor": cursor, "skipped": skipped}, cursor)


def _message(name: str, data: dict[str, Any], last: int) -> bytes:
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"event: {name}\nid: {last}\ndata: {body}\n\n".encode()
