"""Wire ingest together and give it a life: status server, store, session, writer."""

import threading
from datetime import UTC, datetime

from dashboard.ingest.condition import Condition
from dashboard.ingest.inbox import Inbox, LinkChange
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.projection import Projection
from dashboard.ingest.status_server import StatusServer
from dashboard.ingest.writer import RETRY_FIRST_S, RETRY_MOST_S, Writer
from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.intake import Intake
from dashboard.store.knowledge import Knowledge
from dashboard.store.revision import require_revision
from fleet.access import SERVER_RULES, Access
from fleet.home import CredentialFiles
from fleet.logs import get_logger
from fleet.mqtt import BrokerAddress, Session, SessionOptions
from fleet.settings import ServerSettings

log = get_logger(__name__)

SERVER_ID = "srv-ingest-1"
RECEIVE_MAXIMUM = 1_000


class CannotStart(Exception):
    """Something that ingest needs is missing; the text names the command to run."""


class Service:
    """Ingest as one process."""

    def __init__(self, settings: ServerSettings, condition: Condition) -> None:
        self._database = Database(settings.events_database)
        self._condition = condition
        self._metrics = Metrics()
        self._inbox = Inbox()
        self._session = self._make_session(settings)
        self._status = StatusServer(
            settings.ingest_port,
            describe=lambda: self._condition.describe(_now()),
            registry=self._metrics.registry,
            refresh=self._refresh_metrics,
        )
        self._writer = Writer(
            server_id=SERVER_ID,
            broker=self._session,
            store=Intake(self._database),
            projection=Projection(),
            inbox=self._inbox,
            condition=condition,
            metrics=self._metrics,
            clock=_now,
        )
        self._stopping: threading.Event = self._writer.stopping

    def run(self) -> None:
        """Work until stopped; raises PortTaken, WrongRevision."""
        self._status.start()
        try:
            if self._open_store():
                self._session.start()
                self._writer.run()
        finally:
            self._inbox.close()
            self._session.stop()
            self._status.stop()
            self._database.close()

    def stop(self) -> None:
        """Let `run` return; what is not committed stays at the broker."""
        self._stopping.set()
        self._inbox.close()

    def _open_store(self) -> bool:
        """Wait for the database and remember what it knows; returns False when stopped before."""
        delay = RETRY_FIRST_S
        while not self._stopping.is_set():
            try:
                require_revision(self._database)
                self._remember()
                return True
            except StoreUnavailable as error:
                if self._condition.database(ok=False, reason=str(error)) or delay == RETRY_FIRST_S:
                    log.error("waiting for the database", reason=str(error))
            self._stopping.wait(delay)
            delay = min(delay * 2, RETRY_MOST_S)
        return False

    def _remember(self) -> None:
        knowledge = Knowledge(self._database)
        self._writer.projection.remember(knowledge.cameras())
        self._condition.quarantined = knowledge.quarantined()
        self._condition.database(ok=True)

    def _make_session(self, settings: ServerSettings) -> Session:
        credentials = settings.home.credentials(SERVER_ID)
        _require(credentials)
        session = Session(
            BrokerAddress("localhost", settings.broker_servers_port),
            credentials,
            SessionOptions(client_id=SERVER_ID, manual_ack=True, receive_maximum=RECEIVE_MAXIMUM),
            on_connected=self._connected,
            on_disconnected=self._disconnected,
        )
        for rule in SERVER_RULES[SERVER_ID]:
            if rule.access is Access.READ:
                session.subscribe(rule.topic_filter, 1, self._inbox.put)
        return session

    def _connected(self, session_present: bool) -> None:
        log.info("connected to the broker", session_present=session_present)
        self._condition.broker(connected=True)
        self._inbox.put(LinkChange(is_up=True))

    def _disconnected(self, reason: str) -> None:
        if self._condition.broker_connected:
            log.warning("the broker is gone; trying again", reason=reason)
            self._inbox.put(LinkChange(is_up=False))
        self._condition.broker(connected=False, reason=reason)

    def _refresh_metrics(self) -> None:
        metrics, condition = self._metrics, self._condition
        metrics.queue.set(len(self._inbox))
        metrics.dropped.set(self._inbox.dropped)
        metrics.stale_wills.set(self._writer.projection.stale_presences)
        metrics.broker_up.set(condition.broker_connected)
        metrics.database_up.set(condition.database_ok)
        lag = condition.lag(_now())
        metrics.lag_s.set(-1 if lag is None else lag.total_seconds())
        for standing, count in self._writer.projection.count_by_standing().items():
            metrics.cameras.labels(standing).set(count)


def _require(files: CredentialFiles) -> None:
    for path in (files.certificate, files.key, files.ca):
        if not path.is_file():
            raise CannotStart(f"missing {path}: run `camfleet ca init`")


def _now() -> datetime:
    return datetime.now(UTC)
