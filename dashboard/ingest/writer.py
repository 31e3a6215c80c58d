"""The loop of ingest: gather, apply, commit, acknowledge, send receipts, look at the clock."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.ingest.backfill import is_plain, unpack
from dashboard.ingest.condition import Condition
from dashboard.ingest.decode import Fact, Malformed, decode
from dashboard.ingest.inbox import Inbox, Item, LinkChange
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.oddities import Oddity
from dashboard.ingest.projection import Outcome, Projection
from dashboard.ingest.receipts import Committed, Receipts
from dashboard.store.database import RowRefused, StoreUnavailable
from dashboard.store.records import Records, Row
from fleet import topics
from fleet.logs import get_logger
from fleet.messages import MalformedMessage, Probe
from fleet.mqtt import Received
from fleet.topics import Channel

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


@dataclass(slots=True)
class Handled:
    """One received message and what follows from it: for nearly all nothing but one event's row."""

    received: Received
    outcome: Outcome | None = None
    event: Row | None = None

    def add_to(self, records: Records) -> None:
        """Add what has to be stored."""
        if self.event is not None:
            records.events.append(self.event)
        elif self.outcome is not None:
            records.extend(self.outcome.records)

    def committed(self) -> list[Committed]:
        """Return what the camera is owed now that it is stored."""
        if self.event is not None:
            return [Committed(self.event["device_id"], self.event["outbox"], self.event["seq"])]
        return self.outcome.committed if self.outcome is not None else []


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
    _taken: Counter[Channel] = field(default_factory=Counter)

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
        handled: list[Handled] = []
        now, now_s = self.clock(), time.monotonic()
        for item in items:
            if isinstance(item, LinkChange):
                # Order matters: what came before the break must not count as heard after it.
                if not self._finish(handled):
                    return False
                handled = []
                self._commit(self.projection.link_changed(item.is_up, self.clock()))
            elif not self.limiter.admits(item, now_s):
                handled.append(Handled(item))
            elif is_plain(item):
                handled.append(self._handle(item, now))
            else:
                handled += self._unpack(item, now)
        return self._finish(handled)

    def _unpack(self, received: Received, now: datetime) -> list[Handled]:
        """Apply each event of a backfill as one of its own; the whole is what the broker hears of."""
        try:
            parts = unpack(received)
        except MalformedMessage as error:
            return [Handled(received, self._set_aside(Malformed(received, str(error), now)))]
        return [*(self._handle(part, now) for part in parts), Handled(received)]

    def _handle(self, received: Received, now: datetime) -> Handled:
        what = decode(received, now)
        if isinstance(what, Fact):
            self._taken[what.topic.channel] += 1
            row = self.projection.take_event(what) if what.topic.channel is Channel.EVENT else None
            return Handled(received, self._take(what, received) if row is None else None, row)
        if isinstance(what, Malformed):
            return Handled(received, self._set_aside(what))
        self.metrics.ignored.labels(what.channel).inc()
        return Handled(received)

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

    def _finish(self, handled: list[Handled]) -> bool:
        """Commit, then acknowledge and note receipts; returns False when stopped before it was committed."""
        for channel, count in self._taken.items():
            self.metrics.messages.labels(channel.value).inc(count)
        self._taken.clear()
        if not handled:
            return True
        if not self._commit(_merged(handled), handled):
            return False
        self.broker.acknowledge_all([done.received for done in handled])
        for done in handled:
            self.receipts.add(done.committed())
            if done.outcome is not None:
                self._note_probe(done.outcome)
        return True

    def _commit(self, records: Records, handled: list[Handled] | None = None) -> bool:
        delay = RETRY_FIRST_S
        while records:
            try:
                self._write(records, len(handled or []))
                return True
            except StoreUnavailable as error:
                self._database_failed(str(error), delay)
            except RowRefused as error:
                return self._commit_parts(handled or [], str(error))
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
        repeated = max(0, len(records.events) - stored)
        self.metrics.repeated.inc(repeated)
        self.condition.odd.note(Oddity.REPEATED, None, self.clock(), repeated)
        if self.condition.database(ok=True):
            log.info("the database takes batches")

    def _database_failed(self, reason: str, delay_s: float) -> None:
        self.metrics.database_errors.inc()
        if self.condition.database(ok=False, reason=reason):
            log.error("the database takes nothing; holding what is received", reason=reason, retry_s=delay_s)

    def _commit_parts(self, handled: list[Handled], reason: str) -> bool:
        """Find the row that the database will never take, and put only its message aside."""
        if len(handled) == 1:
            received = handled[0].received
            aside = self._set_aside(Malformed(received, f"refused by the database: {reason}"[:200], self.clock()))
            handled[0].event, handled[0].outcome = None, Outcome(committed=aside.committed)
            return self._commit(aside.records)
        middle = len(handled) // 2
        halves = [half for half in (handled[:middle], handled[middle:]) if half]
        return all(self._commit(_merged(half), half) for half in halves)

    def _note_probe(self, outcome: Outcome) -> None:
        for probe in outcome.records.probes:
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


def _merged(handled: list[Handled]) -> Records:
    records = Records()
    for item in handled:
        item.add_to(records)
    return records
