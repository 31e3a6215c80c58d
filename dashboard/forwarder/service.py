"""Give the forwarder a life: status server, store, and a thread for each target."""

import threading
from typing import Any

from dashboard.forwarder.metrics import Metrics
from dashboard.forwarder.wiring import Wiring, now
from dashboard.ingest.status_server import StatusServer
from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.forwarding import Forwarding, Lag, NoSuchTarget
from dashboard.store.revision import require_revision
from fleet.logs import get_logger
from fleet.settings import ServerSettings

log = get_logger(__name__)

RETRY_FIRST_S, RETRY_MOST_S = 0.2, 10.0
WAIT_FOR_END_S = 5.0


class Service:
    """The forwarder of a host. It only reads events; ingest never waits for it."""

    def __init__(self, settings: ServerSettings) -> None:
        """Put the parts together; raises SettingsError."""
        self._database = Database(settings.events_database)
        self._store = Forwarding(self._database)
        self._stopping = threading.Event()
        self._followers = Wiring(settings, self._store, self._stopping).followers()
        self._metrics = Metrics()
        self._database_reason: str | None = "not opened yet"
        self._status = StatusServer(
            settings.forwarder_port,
            describe=self.describe,
            registry=self._metrics.registry,
            refresh=self._refresh_metrics,
            setting="CAMFLEET_FORWARDER_PORT",
        )

    def run(self) -> None:
        """Work until stopped; raises PortTaken, WrongRevision."""
        self._status.start()
        try:
            if self._open_store():
                for follower in self._followers:
                    log.info("forwarding events", target=follower.target.name, address=follower.target.address)
                    follower.start()
                self._stopping.wait()
        finally:
            self._stopping.set()
            for follower in self._followers:
                follower.join(WAIT_FOR_END_S)
            self._status.stop()
            self._database.close()

    def stop(self) -> None:
        """Let `run` return; what is not confirmed is delivered again after the next start."""
        self._stopping.set()

    def describe(self) -> dict[str, Any]:
        """Return the body of /healthz. It is never `down`: whatever a receiver does, no restart would mend it."""
        moment, lags = now(), self._lags()
        conditions = [follower.condition for follower in self._followers]
        well = [condition.is_well(lags.get(condition.name), moment) for condition in conditions]
        troubled = [one.name for one, is_well in zip(conditions, well, strict=True) if not is_well]
        reason = {"reason": f"not ok: {', '.join(troubled)}"} if troubled else {}
        return {
            "status": "degraded" if troubled else "ok",
            **reason,
            "database": {"ok": self._database_reason is None, "reason": self._database_reason or ""},
            "targets": {one.name: one.describe(lags.get(one.name), moment) for one in conditions},
        }

    def _open_store(self) -> bool:
        """Wait for the database and give each new target its cursor; returns False when stopped before."""
        delay = RETRY_FIRST_S
        while not self._stopping.is_set():
            try:
                require_revision(self._database)
                for follower in self._followers:
                    self._store.begin(follower.target.name, now())
                return True
            except StoreUnavailable as error:
                if delay == RETRY_FIRST_S:
                    log.error("waiting for the database", reason=str(error))
            self._stopping.wait(delay)
            delay = min(delay * 2, RETRY_MOST_S)
        return False

    def _lags(self) -> dict[str, Lag]:
        """Return each target's lag; nothing while the database does not answer."""
        found: dict[str, Lag] = {}
        try:
            for follower in self._followers:
                found[follower.target.name] = self._store.lag(follower.target.name)
            self._database_reason = None
        except NoSuchTarget:
            pass
        except StoreUnavailable as error:
            self._database_reason = str(error)
        return found

    def _refresh_metrics(self) -> None:
        moment, lags = now(), self._lags()
        for follower in self._followers:
            self._metrics.show(follower.condition, lags.get(follower.condition.name), moment)
