"""What the forwarder counts, under the names that Prometheus sees."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from dashboard.forwarder.condition import OK, TargetCondition, lag_s
from dashboard.store.forwarding import Lag


class Metrics:
    """One process's figures, on a registry of their own; they are taken over when they are asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.up = self._gauge("target_up", "1 while the target takes events")
        self.delivered = self._gauge("delivered_events", "Events that the target has taken since the start")
        self.failures = self._gauge("failures", "Times that the target took not all since the start")
        self.lag_events = self._gauge("lag_events", "Stored events that wait for the target (100000: or more)")
        self.lag_s = self._gauge("lag_seconds", "For how long the oldest of them has been waiting")

    def show(self, condition: TargetCondition, lag: Lag | None, now: datetime) -> None:
        """Take over what is known of a target; a lag that nobody knows stays what it was."""
        self.up.labels(condition.name).set(condition.state == OK)
        self.delivered.labels(condition.name).set(condition.delivered)
        self.failures.labels(condition.name).set(condition.failures)
        if lag is not None:
            self.lag_events.labels(condition.name).set(lag.events)
            self.lag_s.labels(condition.name).set(lag_s(lag, now))

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"camfleet_forwarder_{name}", text, ["target"], registry=self.registry)
