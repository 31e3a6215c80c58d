"""The loop of ingest: gather, apply, commit, acknowledge, send receipts, look at the clock."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.ingest.backfill import unpack
from dashboard.ingest.batch import Batch, Handled
from dashboard.ingest.condition import Condition
from dashboard.ingest.decode import Fact, Ignored, Malformed, decode
from dashboard.ingest.inbox import Inbox, Item, LinkChange
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.oddities import Oddity
from dashboard.ingest.projection import Outcome, Projection
from dashboard.ingest.receipts import Receipts
from dashboard.store.database import RowRefused, StoreUnavailable
from dashboard.store.records import Records
from fleet import topics
from fleet.logs import get_logger
from fleet.messages import MalformedMessage, Probe
from fleet.mqtt import Received

log = get_logger(__name__)

BATCH_MOST = 1_000
TICK = timedelta(seconds=1)
PROBE_EVERY = timedelta(seconds=5)
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0


class Broker(Protocol):
    """What the writer needs of the MQTT session."""

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool: ...

    def acknowledge_all(self, messages: list[Received]) -> None: ...


class Store(Protocol):
    """What the writer needs of the store: all of the records are committed, or it raises."""

    def write(self, records: Records) -> int: ...


class Limiter(Protocol):
    """Says whether a sender may have one more message read. One that is refused is acknowledged to the broker, not
    stored, and gets no receipt: its camera keeps it and sends it again. Asked for every message, before it is decoded,
    with the monotonic clock's seconds; the topic tells the sender, which the broker has verified.
    """

    def admits(self, received: Received, now_s: float) -> bool: ...


class AdmitAll:
    """No limit."""

    def admits(self, _received: Received, _now_s: float) -> bool:
        """Let everything in."""
        return True


@dataclass
class Writer:
    """Runs on one thread. Nothing is acknowledged, and no receipt sent, before it is committed."""

    server_id: str
    broker: Broker
    store: Store
    projection: Projection
    inbox: Inbox
    condition: Condition
    metrics: Metrics
    clock: Callable[[], datetime]
    receipts: Receipts = field(default_factory=Receipts)
    limiter: Limiter = field(default_factory=AdmitAll)
    stopping: threading.Event = field(default_factory=threading.Event)
    _probes_sent: int = 0
    _next_tick: datetime | None = None
    _next_probe: datetime | None = None
    _blamed: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Work until `stopping` is set."""
        while not self.stopping.is_set():
            self.work_once(self._wait())

    def work_once(self, wait_s: float) -> None:
        """Take one batch through to its receipts; what could not be committed stays unacknowledged at the broker."""
        items = self.inbox.gather(wait_s, BATCH_MOST)
        if self._store_all(items):
            self._tick(self.clock())
            self._send_receipts(self.clock())

    def _wait(self) -> float:
        now = self.clock()
        waits = [TICK, self.receipts.wait(now)]
        return min(wait for wait in waits if wait is not None).total_seconds()

    def _store_all(self, items: list[Item]) -> bool:
        now_s = time.monotonic()
        batch = Batch(self.clock())
        for item in items:
            if isinstance(item, LinkChange):
                # Order matters: what came before the break must not count as heard after it.
                if not self._finish(batch):
                    return False
                batch = Batch(self.clock())
                self._commit(self.projection.link_changed(item.is_up, batch.received_at))
            elif not self.limiter.admits(item, now_s):
                batch.handled.append(Handled(item))
            elif not batch.take_plain(item, self.projection):
                self._unpack(item, batch)
        return self._finish(batch)

    def _unpack(self, received: Received, batch: Batch) -> None:
        """Take any message; each event of a backfill is one of its own, and the whole is what the broker hears of."""
        try:
            parts = unpack(received)
        except MalformedMessage as error:
            aside = self._set_aside(Malformed(received, str(error), batch.received_at))
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
            return self._set_aside(what)
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
            return self._set_aside(Malformed(received, f"cannot be used: {error}"[:200], fact.received_at))

    def _set_aside(self, malformed: Malformed) -> Outcome:
        aside = self.projection.set_aside(malformed)
        if not aside.records:
            return aside
        self.metrics.malformed.inc()
        self.condition.quarantined += 1
        is_large = len(malformed.received.payload) > topics.MAX_PAYLOAD_BYTES
        kind = Oddity.TOO_LARGE if is_large else Oddity.MALFORMED
        self.condition.odd.note(kind, malformed.device_id, malformed.received_at)
        if malformed.device_id not in self._blamed:
            self._blamed.add(malformed.device_id)
            log.warning(
                "malformed message put into quarantine; further ones of this sender are only counted",
                device_id=malformed.device_id,
                topic=malformed.received.topic,
                reason=malformed.reason,
            )
        return aside

    def _finish(self, batch: Batch) -> bool:
        """Commit, then acknowledge and note receipts; returns False when stopped before it was committed."""
        if not len(batch):
            return True
        if not self._commit(batch.records(), batch):
            return False
        self.metrics.messages.labels(topics.Channel.EVENT.value).inc(len(batch.plain))
        self.broker.acknowledge_all(batch.messages())
        self.receipts.add(batch.committed())
        self._note_probes(batch)
        return True

    def _commit(self, records: Records, batch: Batch | None = None) -> bool:
        delay = RETRY_FIRST_S
        while records:
            try:
                self._write(records, 0 if batch is None else len(batch))
                return True
            except StoreUnavailable as error:
                self._database_failed(str(error), delay)
            except RowRefused as error:
                return batch is None or self._commit_parts(batch, str(error))
            self.stopping.wait(delay)
            if self.stopping.is_set():
                return False
            delay = min(delay * 2, RETRY_MOST_S)
        return True

    def _write(self, records: Records, messages: int) -> None:
        began = time.monotonic()
        stored = self.store.write(records)
        self.metrics.commit_s.observe(time.monotonic() - began)
        self.metrics.batch_rows.observe(messages)
        self.metrics.stored.inc(stored)
        repeated = max(0, records.event_count - stored)
        self.metrics.repeated.inc(repeated)
        self.condition.odd.note(Oddity.REPEATED, None, self.clock(), repeated)
        if self.condition.database(ok=True):
            log.info("the database takes batches")

    def _database_failed(self, reason: str, delay_s: float) -> None:
        self.metrics.database_errors.inc()
        if self.condition.database(ok=False, reason=reason):
            log.error("the database takes nothing; holding what is received", reason=reason, retry_s=delay_s)

    def _commit_parts(self, batch: Batch, reason: str) -> bool:
        """Find the row that the database will never take, and put only its message aside."""
        if len(batch) > 1:
            return all(self._commit(half.records(), half) for half in batch.halves())
        [received] = batch.messages()
        aside = self._set_aside(Malformed(received, f"refused by the database: {reason}"[:200], self.clock()))
        batch.replace_all(Outcome(committed=aside.committed))
        return self._commit(aside.records)

    def _note_probes(self, batch: Batch) -> None:
        for probe in batch.probes():
            if probe["server_id"] == self.server_id:
                self.condition.last_probe_sent_at = probe["sent_at"]

    def _tick(self, now: datetime) -> None:
        if self._next_tick is not None and self._next_tick - TICK <= now < self._next_tick:
            return
        self._next_tick = now + TICK
        self._commit(self.projection.time_passed(now))
        if self._next_probe is None or now >= self._next_probe or self._next_probe - now > PROBE_EVERY:
            self._next_probe = now + PROBE_EVERY
            self._probes_sent += 1
            probe = Probe(ts=now, n=self._probes_sent)
            self.broker.publish(topics.probe(self.server_id), probe.encode(), qos=1)

    def _send_receipts(self, now: datetime) -> None:
        for device_id, receipt in self.receipts.take_due(now):
            # One that is lost is made good: the camera sends again, and gets a receipt for the repeat.
            self.broker.publish(topics.receipt(device_id), receipt.encode(), qos=1)
            self.metrics.receipts.inc()
