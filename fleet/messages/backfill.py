"""Late events in one message: what a camera had kept while it could not deliver."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pydantic import Field

from fleet.messages.event import Event
from fleet.messages.message import VERSION, Message, Name, Part, to_wire_time

MOST_EVENTS = 200
MOST_BYTES = 100 * 1024
"""Of a whole message: well below what a broker takes, so that an envelope never makes it too large."""
HEAD_BYTES, ITEM_BYTES = 150, len('{"stream":"","event":},')
"""What the envelope adds: at most so much once, and so much for each event besides its stream's name."""


class BackfillItem(Part):
    """One event, as it would have been published on its stream's own topic."""

    stream: Name
    event: Event


class Backfill(Message):
    """Events of one outbox that wait for a receipt. `ts` is when they were sent; each event says when it was decided.

    Receipts name the events, never the message: it has no number of its own, and what is sent again may be packed
    anew. Servers judge each event by itself: one that cannot be read is put aside, the others are kept.
    """

    outbox: UUID
    events: list[BackfillItem] = Field(min_length=1, max_length=MOST_EVENTS)


def pack_backfill(outbox: UUID, now: datetime, events: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the payload for (stream, event's payload) pairs; the events' bytes stay exactly as they are."""
    head = f'{{"v":{VERSION},"ts":"{to_wire_time(now)}","outbox":"{outbox}","events":['.encode()
    items = (b'{"stream":"%s","event":%s}' % (stream.encode(), payload) for stream, payload in events)
    return head + b",".join(items) + b"]}"
