"""What one batch of received messages adds to the store and owes to the cameras, kept so that one bad row can be found.

Nearly every message is an event of a camera that is online, from which nothing but its own row follows: such ones are
kept as they were read, and become columns of all of them at once.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from dashboard.ingest import rows
from dashboard.ingest.agent_event import AgentEvent, read_agent_event
from dashboard.ingest.backfill import sent_at_of
from dashboard.ingest.clock import TOLERANCE
from dashboard.ingest.projection import Outcome, Projection
from dashboard.ingest.receipts import Owed, together
from dashboard.ingest.rows import EventPlace
from dashboard.store.records import Records
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
    """Any other message and what follows from it; None: what follows from silence, or from our own link."""

    received: Received | None
    outcome: Outcome = field(default_factory=Outcome)


@dataclass
class Ready:
    """A batch as the committer needs it: what to store, to acknowledge and to confirm."""

    batch: "Batch"
    records: Records
    messages: list[Received]
    owed: Owed


@dataclass
class Batch:
    """Messages of one transaction. `received_at` is the moment at which the last of them were read."""

    received_at: datetime
    handled: list[Handled] = field(default_factory=list)
    plain: list[Plain] = field(default_factory=list)
    # Topics of events whose cameras are online, until something else may have changed what is known of one.
    places: dict[str, EventPlace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.goes_on(self.received_at)

    def goes_on(self, now: datetime) -> None:
        """Note that more was received."""
        self.received_at = now
        # Within these no clock is to be doubted, whatever else is known of it.
        self.earliest, self.latest = now - TOLERANCE, now + TOLERANCE

    def add(self, records: Records) -> None:
        """Add what follows from no message, in its place among them."""
        if records:
            self.handled.append(Handled(None, Outcome(records)))
        # It may have changed what is known of the cameras.
        self.places.clear()

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

    def ready(self) -> Ready:
        """Return it as the committer needs it: to be asked where there is time, which is not on its thread."""
        return Ready(self, self.records(), self.messages(), self.owed())

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
        handled = [item.received for item in self.handled if item.received is not None]
        return handled + [item.received for item in self.plain]

    def owed(self) -> Owed:
        """Return what the cameras are owed once all is stored."""
        owed = together(committed for item in self.handled for committed in item.outcome.committed)
        for _, event, place, _ in self.plain:
            key = (place.device_id, event.outbox)
            if key in owed:
                owed[key].append(event.seq)
            else:
                owed[key] = [event.seq]
        return owed

    def halves(self) -> "list[Batch]":
        """Return two batches with these messages, neither of them empty if there are two."""
        middle = len(self) // 2
        of_plain = max(0, middle - len(self.handled))
        first = Batch(self.received_at, self.handled[:middle], self.plain[:of_plain])
        return [first, Batch(self.received_at, self.handled[middle:], self.plain[of_plain:])]
