"""Wire ingest together and give it a life: status server, store, session, the two steps."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

from dashboard.ingest.committer import Committer
from dashboard.ingest.condition import Condition
from dashboard.ingest.inbox import Inbox
from dashboard.ingest.limits import DeviceLimits
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.opening import open_store
from dashboard.ingest.projection import Projection
from dashboard.ingest.status_server import StatusServer
from dashboard.ingest.uplink import Uplink, role_in
from dashboard.ingest.writer import Writer
from dashboard.retention.wiring import retention_beside
from dashboard.store.database import Database
from dashboard.store.intake import Intake
from fleet.settings import ServerSettings


class Service:
    """One process of ingest: the only one, or the n-th of several that share the cameras' events."""

    def __init__(self, settings: ServerSettings, process: int, condition: Condition) -> None:
        """Put the parts together; raises CannotStart."""
        role = role_in(settings, process)
        self._database = Database(settings.events_database, undoes_in_memory=True)
        self._condition = condition
        self._metrics = Metrics()
        self._inbox = Inbox()
        self._retention = retention_beside(settings) if process == 1 else None
        self._limits = DeviceLimits(settings.ingest_device_rate * role.share, settings.ingest_device_burst * role.share)
        self._session = Uplink(settings, role, self._inbox, condition).session
        self._status = StatusServer(
            settings.ingest_ports[role.server_id],
            describe=self._describe,
            registry=self._metrics.registry,
            refresh=self._refresh_metrics,
            setting="CAMFLEET_INGEST_PORT" if process == 1 else "CAMFLEET_INGEST_MORE_PORTS_FROM",
        )
        self._stopping = threading.Event()
        self._projection = Projection(odd=condition.odd, judges=role.judges)
        self._committer = Committer(
            server_id=role.server_id,
            broker=self._session,
            store=Intake(self._database),
            projection=self._projection,
            condition=condition,
            metrics=self._metrics,
            clock=_now,
            stopping=self._stopping,
            on_free=self._inbox.wake,
        )
        self._writer = Writer(
            committer=self._committer,
            projection=self._projection,
            inbox=self._inbox,
            metrics=self._metrics,
            clock=_now,
            stopping=self._stopping,
            limiter=self._limits,
        )

    def run(self) -> None:
        """Work until stopped; raises PortTaken, WrongRevision."""
        self._status.start()
        try:
            if self._open_store():
                if self._retention:
                    self._retention.start()
                self._session.start()
                self._committer.start()
                self._writer.run()
        finally:
            self._inbox.close()
            self._committer.stop()
            self._session.stop()
            if self._retention:
                self._retention.stop()
            self._status.stop()
            self._database.close()
        if self._committer.failure:
            raise self._committer.failure

    def stop(self) -> None:
        """Let `run` return; what is not committed stays at the broker."""
        self._stopping.set()
        self._inbox.close()

    def _open_store(self) -> bool:
        """Wait for the database and remember what it knows; returns False when stopped before."""
        known = open_store(self._database, self._condition, self._stopping)
        if known is None:
            return False
        self._projection.remember(known)
        return True

    def _describe(self) -> dict[str, Any]:
        said = self._condition.describe(_now()) | {"limited": self._limits.describe(time.monotonic())}
        return said | ({"retention": self._retention.describe()} if self._retention else {})

    def _refresh_metrics(self) -> None:
        metrics, projection = self._metrics, self._projection
        metrics.queue.set(len(self._inbox))
        metrics.dropped.set(self._inbox.dropped)
        metrics.show_condition(self._condition, _now())
        for device_id, messages in self._limits.by_device().items():
            metrics.limited.labels(device_id).set(messages)
        for standing, count in projection.count_by_standing().items() if projection.judges else ():
            metrics.cameras.labels(standing).set(count)


def _now() -> datetime:
    return datetime.now(UTC)
