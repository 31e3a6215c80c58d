"""One simulated camera: says what a camera says, and keeps each event until the servers have confirmed it."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.simfleet.device import Device
from bench.simfleet.loop import Loop
from bench.simfleet.outbox import Outbox
from bench.simfleet.packets import Message
from bench.simfleet.session import Session
from bench.simfleet.story import Place, Story, moment
from bench.simfleet.tally import Decided, Tally
from bench.simfleet.words import STREAM, Condition, Words
from fleet import topics
from fleet.messages import MalformedMessage, PresenceState, Receipt

HEALTH_S = 15.0
TEND_S = 1.0


@dataclass
class Camera:
    """Everything happens on the loop's thread. `rate` is event messages a second; with 0 it decides nothing."""

    device: Device
    loop: Loop
    tally: Tally
    story: Story
    rate: float
    spread_s: float
    session_number: int
    clock_off: timedelta = timedelta(0)
    outbox: Outbox = field(default_factory=Outbox)
    session: Session = field(init=False)
    _health_seq: int = 0
    _words: Words = field(init=False)
    _events_topic: str = field(init=False)

    def __post_init__(self) -> None:
        self._words = Words(self.device.device_id, self.session_number, HEALTH_S)
        self._events_topic = topics.event(self.device.device_id, STREAM)
        self.session = Session(
            self.device,
            self.loop,
            self.tally,
            self.story.chance,
            self.spread_s,
            make_will=lambda: self._words.will(self.now()),
            on_up=self._announce,
            on_message=self._hear,
        )

    def start(self) -> None:
        """Connect within the spread; decide and say how it does from the end of the spread on."""
        chance = self.story.chance
        self.loop.after(chance.uniform(0, self.spread_s), self.session.connect)
        self.loop.after(self.spread_s + chance.uniform(0, HEALTH_S), self._say_health)
        self.loop.after(self.spread_s + chance.uniform(0, TEND_S), self._tend)
        if self.rate > 0:
            self.loop.after(self.spread_s + chance.random() / self.rate, self._decide)

    def stop_deciding(self) -> None:
        """Decide nothing new; what waits is still delivered."""
        self.rate = 0.0

    def stop(self) -> None:
        """Say goodbye, as an agent that is told to stop."""
        presence = topics.presence(self.device.device_id)
        self.session.publish(presence, self._words.presence(self.now(), PresenceState.STOPPING), retain=True)
        self.session.stop()

    def say_raw(self, payload: bytes) -> bool:
        """Publish anything as an event (a fault); returns whether it went."""
        return self.session.publish(self._events_topic, payload)

    def now(self) -> datetime:
        """Return what this camera takes for the time."""
        return moment(time.time()) + self.clock_off

    def _decide(self) -> None:
        if self.rate <= 0:
            return
        self.loop.after(self.story.wait_s(self.rate), self._decide)
        place = Place(self.outbox.id, self.outbox.last_seq + 1, self.session_number)
        event = self.story.decide(place, self.now())
        self.outbox.add(self._events_topic, event.encode(), self.loop.now_s)
        self.tally.decided += 1
        self.tally.ledger[event.event_id] = Decided(self.device.device_id, event.rev, event.seq, event.change)
        self._deliver()

    def _deliver(self) -> None:
        while self.session.has_room:
            kept = self.outbox.take_due(self.loop.now_s)
            if kept is None:
                return
            self.session.publish(kept.topic, kept.payload)
            self.tally.sent += 1
            self.tally.resent += kept.times > 1

    def _tend(self) -> None:
        self.loop.after(TEND_S, self._tend)
        self.session.tend()
        self._deliver()

    def _announce(self) -> None:
        for topic, payload in self._words.announcement(self.now()):
            self.session.publish(topic, payload, retain=True)
        self.outbox.reconnected()
        self._deliver()

    def _say_health(self) -> None:
        self.loop.after(HEALTH_S, self._say_health)
        self._health_seq += 1
        oldest_s, cpu_pct = self.outbox.oldest_s(self.loop.now_s), self.story.chance.uniform(20, 60)
        condition = Condition(self._health_seq, len(self.outbox), oldest_s, cpu_pct)
        topic = topics.health(self.device.device_id)
        self.tally.health += self.session.publish(topic, self._words.health(self.now(), condition), qos=0)

    def _hear(self, message: Message) -> None:
        try:
            receipt = Receipt.decode(message.payload)
        except MalformedMessage:
            self.tally.losses["unreadable receipt"] += 1
            return
        self.tally.receipts += 1
        self.tally.foreign_receipts += receipt.outbox != self.outbox.id
        for kept in self.outbox.settle(receipt.outbox, receipt.committed):
            self.tally.note_confirmed(kept.decided_s, self.loop.now_s)
        self._deliver()
