"""The second step of ingest, on a thread of its own: commit a batch, acknowledge it, send receipts.

The writer reads the next batch meanwhile; batches are committed one after the other, in the order in which they came.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.ingest.aside import Aside
from dashboard.ingest.batch import Batch, Handled, Ready
from dashboard.ingest.condition import Condition
from dashboard.ingest.decode import Malformed
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.oddities import Oddity
from dashboard.ingest.projection import Projection
from dashboard.ingest.receipts import Receipts
from dashboard.store.database import RowRefused, StoreUnavailable
from dashboard.store.records import Records
from fleet import topics
from fleet.logs import get_logger
from fleet.messages import Probe
from fleet.mqtt import Received

log = get_logger(__name__)

LONGEST_WAIT = timedelta(seconds=1)
# Small batches begin no sooner one after the other: a commit of two messages costs as much as one of twenty.
PACE_S = 0.02
WORTH_NO_REST = 200
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0


class Broker(Protocol):
    """What ingest needs of the MQTT session; asked on both of its threads."""

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool: ...

    def acknowledge_all(self, messages: list[Received]) -> None: ...


class Store(Protocol):
    """What the committer needs of the store: all of the records are committed, or it raises."""

    def write(self, records: Records) -> int: ...


def _nothing() -> None:
    return None


@dataclass
class Committer:
    """Has room for one batch. Nothing is acknowledged, and no receipt sent, before it is committed.

    `on_free` is called, on the committer's thread, when there is room again.
    """

    server_id: str
    broker: Broker
    store: Store
    projection: Projection
    condition: Condition
    metrics: Metrics
    clock: Callable[[], datetime]
    stopping: threading.Event
    on_free: Callable[[], None] = _nothing
    receipts: Receipts = field(default_factory=Receipts)
    failure: Exception | None = None
    aside: Aside = field(init=False)
    _ready: Ready | None = None
    _has_given_up: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.aside = Aside(self.projection, self.condition, self.metrics)

    @property
    def is_free(self) -> bool:
        """Say whether there is room for a batch."""
        return self._ready is None

    def take(self, ready: Ready) -> bool:
        """Take a batch as soon as there is room; False when ingest stops before."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_free or self.stopping.is_set())
            if not self.is_free:
                return False
            self._ready = ready
            self._changed.notify_all()
        return True

    def publish_probe(self, probe: Probe) -> None:
        """Send a probe, which comes back to be committed: the time that takes is ingest's lag."""
        self.broker.publish(topics.probe(self.server_id), probe.encode(), qos=1)

    def start(self) -> None:
        """Work on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="committer")
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand, unless the database is away, and end the thread."""
        self.stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.work_once(self._wait_s())
            if not self._has_given_up:
                self.work_once(0)
        except Exception as error:  # noqa: BLE001
            # The top of a thread: ingest must end as a whole, and be started again, with nothing acknowledged.
            self.failure = error
            self.stopping.set()
            with self._changed:
                self._changed.notify_all()
            self.on_free()

    def work_once(self, wait_s: float) -> None:
        """Take one batch, if one comes in time, through to its receipts; one not committed stays at the broker."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready is not None or self.stopping.is_set(), timeout=wait_s)
            ready = self._ready
        began_s = time.monotonic()
        if ready is not None:
            if self._commit(ready.batch, ready.records):
                self._confirm(ready)
            else:
                # What came after it must not be stored before it.
                self._has_given_up = True
        self._send_receipts(self.clock())
        if ready is not None:
            if len(ready.batch) < WORTH_NO_REST:
                self.stopping.wait(max(0.0, began_s + PACE_S - time.monotonic()))
            self._make_room()

    def _make_room(self) -> None:
        with self._changed:
            self._ready = None
            self._changed.notify_all()
        self.on_free()

    def _wait_s(self) -> float:
        wait = self.receipts.wait(self.clock())
        return (LONGEST_WAIT if wait is None else min(wait, LONGEST_WAIT)).total_seconds()

    def _confirm(self, ready: Ready) -> None:
        self.metrics.messages.labels(topics.Channel.EVENT.value).inc(len(ready.batch.plain))
        self.broker.acknowledge_all(ready.messages)
        self.receipts.add(ready.owed)
        for probe in ready.records.probes:
            if probe["server_id"] == self.server_id:
                self.condition.last_probe_sent_at = probe["sent_at"]

    def _commit(self, batch: Batch, records: Records) -> bool:
        """Store a batch, however long that takes; returns False when stopped before it was committed."""
        delay = RETRY_FIRST_S
        while records:
            try:
                self._write(records, len(batch))
                return True
            except StoreUnavailable as error:
                self._database_failed(str(error), delay)
            except RowRefused as error:
                return self._commit_parts(batch, str(error))
            if self.stopping.wait(delay):
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
            return all(self._commit(half, half.records()) for half in batch.halves())
        messages = batch.messages()
        if not messages:
            log.error("the database refuses what no message said; it is left out", reason=reason)
            return True
        aside = self.aside.put(Malformed(messages[0], f"refused by the database: {reason}"[:200], self.clock()))
        return self._commit(Batch(batch.received_at, [Handled(None, aside)]), aside.records)

    def _send_receipts(self, now: datetime) -> None:
        for device_id, receipt in self.receipts.take_due(now):
            # One that is lost is made good: the camera sends again, and gets a receipt for the repeat.
            self.broker.publish(topics.receipt(device_id), receipt.encode(), qos=1)
            self.metrics.receipts.inc()
