"""A tiny ingest: keeps what cameras say and sends receipts when told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from fleet import topics
from fleet.messages import Backfill, Event, Message, Presence, Receipt
from fleet.mqtt import Received, Session, SessionOptions
from fleet.topics import Channel, Topic
from tests.support.broker import Mosquitto

M = TypeVar("M", bound=Message)


@dataclass
class IngestFake:
    """`confirms` decides whether events are answered with a receipt at once."""

    broker: Mosquitto
    device_id: str
    confirms: bool = True
    received: list[tuple[Topic, bytes]] = field(default_factory=list)
    alone: list[Event] = field(default_factory=list)
    late: list[Backfill] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = Session(
            self.broker.servers, self.broker.credentials("srv-ingest-1"), SessionOptions("srv-ingest-1")
        )
        self.session.subscribe(topics.EVERYTHING_UP, 1, self.take)

    def take(self, received: Received) -> None:
        topic = Topic.parse(received.topic)
        if topic.channel is Channel.BACKFILL:
            self._take_late(Backfill.decode(received.payload))
            return
        self.received.append((topic, received.payload))
        if topic.channel is Channel.EVENT:
            event = Event.decode(received.payload)
            self.alone.append(event)
            if self.confirms:
                self.confirm(event.outbox, [(event.seq, event.seq)])

    def _take_late(self, late: Backfill) -> None:
        """Keep late events as if they had come on their stream's topic."""
        self.late.append(late)
        for item in late.events:
            topic = Topic(self.device_id, Channel.EVENT, stream=item.stream)
            self.received.append((topic, item.event.encode()))
        if self.confirms:
            self.confirm(late.outbox, [(item.event.seq, item.event.seq) for item in late.events])

    def confirm(self, outbox: UUID, ranges: list[tuple[int, int]]) -> None:
        now = datetime.now(UTC)
        receipt = Receipt(ts=now, server_ts=now, outbox=outbox, committed=ranges)
        self.session.publish(topics.receipt(self.device_id), receipt.encode(), qos=1)

    def came_late(self) -> list[Event]:
        return [item.event for late in list(self.late) for item in late.events]

    def said(self, channel: Channel, kind: type[M]) -> list[M]:
        return [kind.decode(payload) for topic, payload in list(self.received) if topic.channel is channel]

    def events(self) -> list[Event]:
        return self.said(Channel.EVENT, Event)

    def presences(self) -> list[str]:
        return [str(said.state) for said in self.said(Channel.PRESENCE, Presence)]

    def latest(self) -> dict[UUID, Event]:
        """Each event at its highest revision, as the store keeps it."""
        kept: dict[UUID, Event] = {}
        for event in self.events():
            if event.event_id not in kept or kept[event.event_id].rev < event.rev:
                kept[event.event_id] = event
        return kept


@contextmanager
def ingesting(broker: Mosquitto, device_id: str) -> Iterator[IngestFake]:
    ingest = IngestFake(broker, device_id)
    ingest.session.start()
    assert ingest.session.wait_connected(10)
    try:
        yield ingest
    finally:
        ingest.session.stop()
