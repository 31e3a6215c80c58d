"""The first step of ingest: gather messages, read them into a batch, look at the clock; the committer does the rest."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.ingest.backfill import unpack
from dashboard.ingest.batch import Batch, Handled
from dashboard.ingest.committer import Committer
from dashboard.ingest.decode import Fact, Ignored, Malformed, decode
from dashboard.ingest.inbox import Inbox, Item, LinkChange
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.projection import Outcome, Projection
from fleet import topics
from fleet.messages import MalformedMessage, Probe
from fleet.mqtt import Received

BATCH_MOST = 1_000
# So many are worth reading while the committer is busy; fewer wait for it, for each turn of a thread costs.
WORTH_READING = 200
# A batch that waits for longer is not added to: what comes later has its own time of arrival.
OPEN_MOST_S = 1.0
TICK = timedelta(seconds=1)
PROBE_EVERY = timedelta(seconds=5)


class Limiter(Protocol):
    """Says whether a sender may have one more message read. One that is refused is acknowledged to the broker, not
    stored, and gets no receipt: its camera keeps it and sends it again. Asked for every message, before it is decoded,
    with the monotonic clock's seconds; the topic tells the sender, which the broker has verified.
    """

    def admits(self, received: Received, now_s: float) -> bool: ...

    def admits_all(self, messages: Iterable[Received], now_s: float) -> bool:
        """Do the same for many at once; False: nothing was decided, each is to be asked for."""
        ...


class AdmitAll:
    """No limit."""

    def admits(self, _received: Received, _now_s: float) -> bool:
        """Let everything in."""
        return True

    def admits_all(self, _messages: Iterable[Received], _now_s: float) -> bool:
        """Let everything in."""
        return True


@dataclass
class Writer:
    """Reads on one thread what the committer stores on another; what is read last wins, so the order is kept."""

    committer: Committer
    projection: Projection
    inbox: Inbox
    metrics: Metrics
    clock: Callable[[], datetime]
    stopping: threading.Event
    limiter: Limiter = field(default_factory=AdmitAll)
    _batch: Batch | None = None
    _opened_s: float = 0.0
    _probes_sent: int = 0
    _next_tick: datetime | None = None
    _next_probe: datetime | None = None

    def run(self) -> None:
        """Work until `stopping` is set."""
        while not self.stopping.is_set():
            self.work_once(TICK.total_seconds())

    def work_once(self, wait_s: float) -> None:
        """Add what has come to the batch, and hand it on once the committer has room or no more should be added."""
        batch = self._open_batch()
        items = self.inbox.gather(wait_s, BATCH_MOST, 1 if self.committer.is_free else WORTH_READING)
        now = self.clock()
        batch.goes_on(now)
        self._read_all(items, batch)
        self._tick(now, batch)
        if len(batch) and (self.committer.is_free or self._is_closed(batch)):
            self.committer.take(batch.ready())
            self._batch = None

    def _open_batch(self) -> Batch:
        if self._batch is None:
            self._batch, self._opened_s = Batch(self.clock()), time.monotonic()
        return self._batch

    def _is_closed(self, batch: Batch) -> bool:
        """Say whether nothing should be added: then the inbox fills, and the broker keeps what comes."""
        return len(batch) >= BATCH_MOST or time.monotonic() - self._opened_s > OPEN_MOST_S

    def _read_all(self, items: list[Item], batch: Batch) -> None:
        now_s = time.monotonic()
        all_admitted = self.limiter.admits_all((item for item in items if isinstance(item, Received)), now_s)
        for item in items:
            if isinstance(item, LinkChange):
                batch.add(self.projection.link_changed(item.is_up, batch.received_at))
            elif not (all_admitted or self.limiter.admits(item, now_s)):
                batch.handled.append(Handled(item))
            elif not batch.take_plain(item, self.projection):
                self._unpack(item, batch)

    def _unpack(self, received: Received, batch: Batch) -> None:
        """Take any message; each event of a backfill is one of its own, and the whole is what the broker hears of."""
        try:
            parts = unpack(received)
        except MalformedMessage as error:
            aside = self.committer.aside.put(Malformed(received, str(error), batch.received_at))
            batch.handled.append(Handled(received, aside))
            return
        for part in parts:
            if not batch.take_plain(part, self.projection):
                batch.handled.append(Handled(part, self._apply(part, batch)))
        if parts != [received]:
            batch.handled.append(Handled(received))

    def _apply(self, received: Received, batch: Batch) -> Outcome:
        what = decode(received, batch.received_at)
        if isinstance(what, Ignored):
            self.metrics.ignored.labels(what.channel).inc()
            return Outcome()
        if isinstance(what, Malformed):
            return self.committer.aside.put(what)
        self.metrics.messages.labels(what.topic.channel.value).inc()
        outcome = self._take(what, received)
        is_event = what.topic.channel is topics.Channel.EVENT
        if not is_event:
            # It may have changed what is known of its camera.
            batch.places.clear()
        elif not what.retained and (place := self.projection.place_of(what.topic, batch.received_at)):
            batch.places[received.topic] = place
        return outcome

    def _take(self, fact: Fact, received: Received) -> Outcome:
        try:
            return self.projection.take(fact)
        except (ValueError, ArithmeticError) as error:
            return self.committer.aside.put(Malformed(received, f"cannot be used: {error}"[:200], fact.received_at))

    def _tick(self, now: datetime, batch: Batch) -> None:
        if self._next_tick is not None and self._next_tick - TICK <= now < self._next_tick:
            return
        self._next_tick = now + TICK
        batch.add(self.projection.time_passed(now))
        if self._next_probe is None or now >= self._next_probe or self._next_probe - now > PROBE_EVERY:
            self._next_probe = now + PROBE_EVERY
            self._probes_sent += 1
            probe = Probe(ts=now, n=self._probes_sent)
            self.committer.publish_probe(probe)
