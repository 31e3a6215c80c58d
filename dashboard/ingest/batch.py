"""What one batch of received messages adds to the store and owes to the cameras, kept so that one bad row can be found.

Nearly every message is an event of a camera that is online, from which nothing but its own row follows: such ones are
kept as they were read, and become columns of all of them at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from dashboard.ingest import rows
from dashboard.ingest.agent_event import AgentEvent, read_agent_event
from dashboard.ingest.backfill import sent_at_of
from dashboard.ingest.clock import TOLERANCE
from dashboard.ingest.projection import Outcome, Projection
from dashboard.ingest.receipts import Committed
from dashboard.ingest.rows import EventPlace
from dashboard.store.records import Records, Row
from fleet.mqtt import Received
from fleet.topics import MAX_PAYLOAD_BYTES


class Plain(NamedTuple):
    """An event as its agent wrote it, where it happened, and whether its camera's clock is to be doubted."""

    received: Received
    event: AgentEvent
    place: EventPlace
    clock_suspect: bool


@dataclass(slots=True)
class Handled:
    """Any other message and what follows from it."""

    received: Received
    outcome: Outcome = field(default_factory=Outcome)


@dataclass
class Batch:
    """Messages of one transaction. `received_at` is the moment at which all of them were read."""

    received_at: datetime
    handled: list[Handled] = field(default_factory=list)
    plain: list[Plain] = field(default_factory=list)
    # Topics of events whose cameras are online, until something else may have changed what is known of one.
    places: dict[str, EventPlace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Within these no clock is to be doubted, whatever else is known of it.
        self.earliest, self.latest = self.received_at - TOLERANCE, self.received_at + TOLERANCE

    def __len__(self) -> int:
        return len(self.handled) + len(self.plain)

    def take_plain(self, received: Received, projection: Projection) -> bool:
        """Take an event of a place that is known, without a look at anything else; False leaves any other alone."""
        place = self.places.get(received.topic)
        if place is None or received.retained or len(received.payload) > MAX_PAYLOAD_BYTES:
            return False
        event = read_agent_event(received.payload)
        if event is None:
            return False
        is_suspect = not self.earliest <= event.ts <= self.latest and projection.is_suspect(
            event, place, sent_at_of(received), self.received_at
        )
        self.plain.append(Plain(received, event, place, is_suspect))
        return True

    def records(self) -> Records:
        """Return everything that has to be stored, together."""
        records = Records()
        for item in self.handled:
            records.extend(item.outcome.records)
        if self.plain:
            records.event_columns = rows.event_columns(self.plain, self.received_at)
        return records

    def messages(self) -> list[Received]:
        """Return what the broker may forget once all is stored."""
        return [item.received for item in self.handled] + [item.received for item in self.plain]

    def committed(self) -> Iterator[Committed]:
        """Return what the cameras are owed once all is stored."""
        for item in self.handled:
            yield from item.outcome.committed
        for _, event, place, _ in self.plain:
            yield Committed(place.device_id, event.outbox, event.seq)

    def probes(self) -> Iterator[Row]:
        """Return the probes of ingest processes among the messages."""
        for item in self.handled:
            yield from item.outcome.records.probes

    def halves(self) -> "list[Batch]":
        """Return two batches with these messages, neither of them empty if there are two."""
        middle = len(self) // 2
        of_plain = max(0, middle - len(self.handled))
        first = Batch(self.received_at, self.handled[:middle], self.plain[:of_plain])
        return [first, Batch(self.received_at, self.handled[middle:], self.plain[of_plain:])]

    def replace_all(self, outcome: Outcome) -> None:
        """Keep one message with what is to be done instead."""
        [received] = self.messages()
        self.handled, self.plain = [Handled(received, outcome)], []
