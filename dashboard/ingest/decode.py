"""Turn received bytes into facts, or say what is wrong with them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from dashboard.ingest.agent_event import AgentEvent, read_agent_event
from dashboard.ingest.backfill import sent_at_of
from fleet.identifiers import is_server_id
from fleet.messages import (
    Birth,
    Event,
    Health,
    MalformedMessage,
    Message,
    Presence,
    Probe,
    RegistryFacts,
    StreamStatus,
)
from fleet.mqtt import MOST_TOPICS, Received
from fleet.topics import Channel, NotATopic, Topic

KINDS: dict[Channel, type[Message]] = {
    Channel.PRESENCE: Presence,
    Channel.BIRTH: Birth,
    Channel.HEALTH: Health,
    Channel.STREAM_STATUS: StreamStatus,
    Channel.EVENT: Event,
    Channel.PROBE: Probe,
    Channel.REGISTRY: RegistryFacts,
}


@dataclass(slots=True)
class Fact:
    """A message that could be read, when it arrived, and whether the broker only repeated it."""

    topic: Topic
    message: Message | AgentEvent
    received_at: datetime
    retained: bool
    # Of a late event: when its camera sent it, which tells whether that clock is right.
    sent_at: datetime | None = None


@dataclass(frozen=True)
class Ignored:
    """A message of a channel that ingest does not keep."""

    channel: str


@dataclass(frozen=True)
class Malformed:
    """A message that cannot be read; it goes to quarantine with its bytes."""

    received: Received
    reason: str
    received_at: datetime

    @property
    def device_id(self) -> str:
        """Return the sender, which the broker has verified; the topic may be odd in what follows."""
        return sender_of(self.received.topic)


def sender_of(topic: str) -> str:
    """Return the device id or server id that a topic names; "" for one that names none."""
    levels = topic.split("/", 3)
    return levels[2][:64] if len(levels) > 2 else ""


def decode(received: Received, now: datetime) -> Fact | Ignored | Malformed:
    """Read one message; a backfill was unpacked before, and of it only what is no event still has its topic."""
    topic = _event_topic(received.topic)
    event = read_agent_event(received.payload) if topic is not None else None
    if topic is None or event is None:
        return _decode_strictly(received, now)
    return Fact(topic, event, now, received.retained, sent_at_of(received))


@lru_cache(maxsize=MOST_TOPICS)
def _event_topic(text: str) -> Topic | None:
    """Return a camera's event topic; None for every other one."""
    try:
        topic = Topic.parse(text)
    except NotATopic:
        return None
    return topic if topic.channel is Channel.EVENT and not is_server_id(topic.device_id) else None


def _decode_strictly(received: Received, now: datetime) -> Fact | Ignored | Malformed:
    try:
        topic = Topic.parse(received.topic)
    except NotATopic as error:
        return Malformed(received, str(error)[:200], now)
    if topic.channel is Channel.BACKFILL and received.payload:
        return Malformed(received, "backfill: an item is no event of a stream", now)
    kind = KINDS.get(topic.channel)
    wrong_sender = (topic.channel is Channel.PROBE) is not is_server_id(topic.device_id)
    if kind is None or wrong_sender or not received.payload:
        return Ignored(str(topic.channel))
    try:
        message = kind.decode(received.payload)
    except MalformedMessage as error:
        return Malformed(received, str(error)[:200], now)
    return Fact(topic, message, now, received.retained, sent_at_of(received))
