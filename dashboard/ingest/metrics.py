"""What ingest counts, under the names that Prometheus sees."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from dashboard.ingest.condition import Condition
from dashboard.ingest.oddities import Oddity


class Metrics:
    """One process's counters, on a registry of their own so that tests may make many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = self._counter("messages", "Messages received", "channel")
        self.malformed = self._counter("malformed", "Messages put into quarantine")
        self.ignored = self._counter("ignored", "Messages of channels that are not kept", "channel")
        self.stored = self._counter("events_stored", "Events that were new or got a higher revision")
        self.repeated = self._counter("events_repeated", "Events that were stored already")
        self.receipts = self._counter("receipts", "Receipts sent")
        self.database_errors = self._counter("database_errors", "Failed attempts to commit a batch")
        self.batch_rows = Histogram(
            "camfleet_ingest_batch_messages",
            "Messages per transaction",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=self.registry,
        )
        self.commit_s = Histogram(
            "camfleet_ingest_commit_seconds",
            "Time of a transaction",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
            registry=self.registry,
        )
        self.queue = self._gauge("queue_messages", "Messages received and not yet committed")
        self.dropped = self._gauge("dropped_telemetry", "Unkept messages dropped because the queue was full")
        self.stale_wills = self._gauge("stale_presences", "Presences of an older session that were ignored")
        self.limited = self._gauge("limited", "Messages refused because their camera sends too many", "device_id")
        self.odd = self._gauge("odd", "Bad input by kind", "kind")
        self.lag_s = self._gauge("lag_seconds", "Age of the newest own probe that is committed")
        self.broker_up = self._gauge("broker_connected", "1 while connected to the broker")
        self.database_up = self._gauge("database_up", "1 while the last transaction succeeded")
        self.cameras = self._gauge("cameras", "Cameras by presence", "presence")

    def show_condition(self, condition: Condition, now: datetime) -> None:
        """Take over what /healthz says."""
        self.broker_up.set(condition.broker_connected)
        self.database_up.set(condition.database_ok)
        lag = condition.lag(now)
        self.lag_s.set(-1 if lag is None else lag.total_seconds())
        self.stale_wills.set(condition.odd.count(Oddity.STALE_PRESENCE))
        for kind in Oddity:
            self.odd.labels(kind.value).set(condition.odd.count(kind))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"camfleet_ingest_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"camfleet_ingest_{name}", text, labels, registry=self.registry)
