"""Unpack late events: each is then read, judged and, if need be, put aside as if it had come alone. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from fleet import topics
from fleet.identifiers import is_stream_name
from fleet.messages import VERSION, MalformedMessage
from fleet.messages.backfill import MOST_EVENTS
from fleet.mqtt import Received
from fleet.topics import Channel, NotATopic, Topic

_ENDING = f"/up/{Channel.BACKFILL}"


@dataclass(slots=True)
class Late(Received):
    """One event of a backfill that was sent at `sent_at` by the camera's clock.

    The broker does not know it, and only the whole is acknowledged: hence QoS 0.
    """

    sent_at: datetime


class _Envelope(msgspec.Struct):
    """What must be right about the whole. An item stays as it is until it is looked at by itself."""

    v: Annotated[int, msgspec.Meta(ge=1, le=VERSION)]
    ts: Annotated[datetime, msgspec.Meta(tz=True)]
    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MOST_EVENTS)]


class _Item(msgspec.Struct):
    stream: str
    event: msgspec.Raw


_envelopes = msgspec.json.Decoder(_Envelope)
_items = msgspec.json.Decoder(_Item)


def sent_at_of(received: Received) -> datetime | None:
    """Return when a late event was sent, by its camera's clock; None for one that came alone."""
    return received.sent_at if isinstance(received, Late) else None


def is_plain(received: Received) -> bool:
    """Say whether there is nothing to unpack and nothing wrong with its size; asked of every message."""
    if len(received.payload) > topics.MAX_PAYLOAD_BYTES:
        return False
    return not received.topic.endswith(_ENDING) or not received.payload


def unpack(received: Received) -> list[Received]:
    """Return what a message holds: the events of a backfill, or itself; MalformedMessage says why neither."""
    if is_plain(received):
        return [received]
    if len(received.payload) > topics.MAX_PAYLOAD_BYTES:
        raise MalformedMessage(f"payload: {len(received.payload)} bytes, more than {topics.MAX_PAYLOAD_BYTES}")
    try:
        device_id = Topic.parse(received.topic).device_id
        envelope = _envelopes.decode(received.payload)
    except (NotATopic, ValueError, RecursionError) as error:
        raise MalformedMessage(f"backfill: {error}"[:200]) from None
    return [_late(received, device_id, bytes(item), envelope.ts) for item in envelope.events]


def _late(received: Received, device_id: str, item: bytes, sent_at: datetime) -> Late:
    """Return an item as an event on its own topic; one that is none keeps its bytes, and the topic it came on."""
    topic, payload = received.topic, item
    try:
        read = _items.decode(item)
        payload = bytes(read.event)
        if is_stream_name(read.stream):
            topic = topics.event(device_id, read.stream)
    except (ValueError, RecursionError):
        pass
    return Late(topic, payload, 0, False, 0, received.connection, sent_at)
