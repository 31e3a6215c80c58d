"""The two ways out of the outbox: live, each event by itself at once; late, many in one message at a set rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, islice, takewhile

from camera_agent.delivery.entry import Entry
from camera_agent.delivery.lanes import Lanes
from camera_agent.delivery.link import Link
from camera_agent.delivery.outbox import Outbox
from camera_agent.delivery.pace import Pace
from camera_agent.delivery.resend import ResendSchedule
from fleet import topics
from fleet.messages import pack_backfill
from fleet.messages.backfill import HEAD_BYTES, ITEM_BYTES, MOST_BYTES, MOST_EVENTS

LIVE_WINDOW = 500
"""Rows sent live and not confirmed at a time."""
LATE_WINDOW_S = 3.0
"""Receipts come once a second: so much of the set rate may be under way."""
ALONE_AFTER = 2
"""So often unanswered in a batch, an event goes alone: its neighbours or its reader may be what is wrong."""


@dataclass
class Way:
    """Where rows come from and where they go."""

    device_id: str
    outbox: Outbox
    link: Link
    lanes: Lanes = field(default_factory=Lanes)

    def send_alone(self, entry: Entry) -> bool:
        """Publish one event on its stream's own topic; returns whether the connection took it."""
        return self.link.publish(topics.event(self.device_id, entry.stream), entry.payload, qos=1)

    def unconfirmed(self, schedule: ResendSchedule, seqs: Sequence[int]) -> list[Entry]:
        """Return the rows that are to be said again, and forget those that were dropped meanwhile."""
        found = self.outbox.entries(seqs) if seqs else []
        for seq in set(seqs) - {entry.seq for entry in found}:
            schedule.forget(seq)
        return found


@dataclass
class LiveLane:
    """Sends what was decided since the connection came up; what cannot go at once is left to the late lane."""

    way: Way
    schedule: ResendSchedule = field(default_factory=ResendSchedule)

    def send(self, now_s: float) -> None:
        """Send everything that can go now, what is new first."""
        self._send_fresh(now_s)
        for entry in self.way.unconfirmed(self.schedule, self.schedule.due(now_s)):
            if not self._send(entry, now_s):
                return

    def _send_fresh(self, now_s: float) -> None:
        lanes, room = self.way.lanes, LIVE_WINDOW - len(self.schedule)
        newest = self.way.outbox.newest()
        if newest <= lanes.live_through:
            return
        fresh = self.way.outbox.between(lanes.live_through + 1, newest, room) if room > 0 else []
        for entry in fresh:
            if not self._send(entry, now_s):
                return
            lanes.went_live(entry.seq)
        if len(fresh) < room:
            lanes.went_live(newest)
        else:
            lanes.put_off(newest)

    def _send(self, entry: Entry, now_s: float) -> bool:
        sent = self.way.send_alone(entry)
        if sent:
            self.schedule.sent(entry.seq, now_s)
        return sent


@dataclass
class LateLane:
    """Sends what had to wait, oldest first, packed; what is said again is packed anew, of what is still unconfirmed."""

    way: Way
    pace: Pace
    now: Callable[[], datetime]
    schedule: ResendSchedule = field(default_factory=ResendSchedule)

    @property
    def window(self) -> int:
        """Rows that may be under way: the rest of a backlog stays on the disk."""
        return max(2 * self.pace.batch, round(self.pace.rate * LATE_WINDOW_S))

    def send(self, now_s: float) -> None:
        """Send as many batches as the rate allows now."""
        while most := self.pace.allows(now_s):
            again = self.way.unconfirmed(self.schedule, self.schedule.due(now_s, most))
            fresh = [] if again else self._fresh(most)
            sent = self._send(again or fresh, now_s)
            if not sent:
                return
            if fresh:
                self.way.lanes.went_late(sent[-1].seq)

    def next_s(self, now_s: float) -> float | None:
        """Return in how many seconds there is something to send; None when nothing waits but for receipts."""
        due_s = self.schedule.next_due_s()
        waits = [] if due_s is None else [due_s - now_s]
        if self.way.lanes.waiting and len(self.schedule) < self.window:
            waits.append(0.0)
        return max(min(waits), self.pace.next_s(now_s)) if waits else None

    def _fresh(self, most: int) -> list[Entry]:
        lanes, room = self.way.lanes, min(most, self.window - len(self.schedule))
        while lanes.waiting and room > 0:
            low, high = lanes.waiting[0]
            found = self.way.outbox.between(low, high, room)
            if found:
                return found
            lanes.went_late(high)
        return []

    def _send(self, entries: Sequence[Entry], now_s: float) -> list[Entry]:
        """Publish the first of these rows, as many as one message holds; returns those that the connection took."""
        batch = [] if any(map(self._goes_alone, entries)) else fitting(entries)
        sent = self._send_packed(batch) if batch else list(takewhile(self.way.send_alone, entries))
        for entry in sent:
            self.schedule.sent(entry.seq, now_s)
        self.pace.took(len(sent))
        return sent

    def _goes_alone(self, entry: Entry) -> bool:
        return self.schedule.times(entry.seq) >= ALONE_AFTER

    def _send_packed(self, batch: list[Entry]) -> list[Entry]:
        events = ((entry.stream, entry.payload) for entry in batch)
        payload = pack_backfill(self.way.outbox.id, self.now(), events)
        return batch if self.way.link.publish(topics.backfill(self.way.device_id), payload, qos=1) else []


def fitting(entries: Sequence[Entry]) -> list[Entry]:
    """Return the first of these rows, as many as one message holds: none when the first is too large for any."""
    sizes = accumulate((len(entry.payload) + len(entry.stream) + ITEM_BYTES for entry in entries), initial=HEAD_BYTES)
    whole = [entry for entry, size in zip(entries, islice(sizes, 1, None), strict=True) if size <= MOST_BYTES]
    return whole[:MOST_EVENTS]
