"""What a camera said of an event, kept as it said it (decision 0023), read back into the fields of a row.

It was validated before it was stored: here it is only read, and never refused for what a later release might add.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict


class Said(msgspec.Struct, gc=False):
    """The fields of `fleet.messages.Event` that have no column of their own; ids stay text."""

    session: int
    outbox: str
    seq: int
    change: str
    track_id: int
    score: float
    box: list[float]
    best_box: list[float]
    best_score: float
    zones: list[str]
    path: list[list[float]]
    started_at: datetime
    ts: datetime
    frame_ts: datetime
    ended_at: datetime | None = None
    aspect: float | None = None
    lost: int | None = None


_decoder = msgspec.json.Decoder(Said)


def whole(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a stored event with the fields that its payload holds in place of the payload."""
    fields = {**row}
    return fields | asdict(_decoder.decode(fields.pop("payload")))


def all_whole(rows: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Do the same for many."""
    return [whole(row) for row in rows]
