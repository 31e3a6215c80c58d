"""Read an event exactly as our agents write it, twenty times faster than the strict way; anything else is left to that.

What the quick reader takes, it can write back to the same bytes: so the payload says nothing twice, nothing that is
unknown, and every number, time and id in its one canonical form. Only then do both ways surely mean the same, which
tests/unit/dashboard/test_agent_event.py tries to disprove.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from fleet.messages import VERSION, Change, Event

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Ordinal = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Box = tuple[Fraction, Fraction, Fraction, Fraction]

_is_uuid = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


class AgentEvent(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """The fields of `fleet.messages.Event` in the order in which it writes them; ids stay text.

    Without a default is what it always writes; the others it leaves out when they are None.
    """

    v: Annotated[int, Meta(ge=1, le=VERSION)]
    ts: datetime
    session: Count
    outbox: str
    seq: Ordinal
    event_id: str
    rev: Ordinal
    change: Change
    track_id: Count
    label: Name
    score: Fraction
    box: Box
    best_box: Box
    best_score: Fraction
    started_at: datetime
    ended_at: datetime | None = None
    frame_ts: datetime
    aspect: Annotated[float, Meta(gt=0, le=100)] | None = None
    zones: Annotated[list[Name], Meta(max_length=64)]
    path: Annotated[list[tuple[Fraction, Fraction]], Meta(max_length=32)]
    lost: Ordinal | None = None


AnyEvent = Event | AgentEvent
# Used by one thread, ingest's writer.
_read = msgspec.json.Decoder(AgentEvent).decode
_write = msgspec.json.Encoder().encode


def read_agent_event(payload: bytes) -> AgentEvent | None:
    """Return the event, or None for whatever is not written just as an agent does."""
    try:
        event = _read(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not _is_uuid(event.event_id) or not _is_known_form(event.outbox) or _write(event) != payload:
        return None
    return event if _is_in_utc(event) else None


def written(event: AnyEvent) -> bytes:
    """Return an event as an agent writes it, whichever way it was read."""
    return _write(event) if isinstance(event, AgentEvent) else event.encode()


def _is_in_utc(event: AgentEvent) -> bool:
    ended_at = event.ended_at
    is_live = event.ts.tzinfo is UTC and event.started_at.tzinfo is UTC and event.frame_ts.tzinfo is UTC
    return is_live and (ended_at is None or ended_at.tzinfo is UTC)


@lru_cache(maxsize=65_536)
def _is_known_form(outbox: str) -> bool:
    """Say whether it is a UUID in its one form; a camera has the same outbox for years."""
    return _is_uuid(outbox) is not None
