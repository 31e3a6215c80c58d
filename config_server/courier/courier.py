"""Put the courier together and run its rounds until it is told to stop."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from config_server.authorities import load_authorities
from config_server.courier import renewals
from config_server.courier.broker_figures import FILTER, BrokerFigures
from config_server.courier.care import Caretaker
from config_server.courier.controls import control_of
from config_server.courier.cutoffs import Cutoffs
from config_server.courier.facts import FactsCourier
from config_server.courier.status import StatusServer
from config_server.settings import ConfigSettings
from config_server.signing import Signer, signer_of
from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store
from fleet.logs import get_logger
from fleet.mqtt import BrokerAddress, Session, SessionOptions

log = get_logger(__name__)

NAME = "srv-courier-1"
STOP_S = 5.0


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


class Courier:
    """One MQTT session, one store, one thread that makes the rounds."""

    def __init__(self, settings: ConfigSettings, clock: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._store = Store(settings.config_database)
        self._session = Session(
            BrokerAddress("127.0.0.1", settings.broker_servers_port),
            settings.home.credentials(NAME),
            SessionOptions(client_id=NAME),
            on_connected=self._connected,
            on_disconnected=self._disconnected,
        )
        self._facts = FactsCourier(self._store, self._session)
        self._care = Caretaker(settings, self._store)
        self._renewals = renewals.RenewalDesk(self._store, self._session, self._signer, clock)
        self._cutoffs = Cutoffs(settings, self._store, control_of(settings), clock)
        self._database_failure: str | None = None
        registry = CollectorRegistry()
        self._session.subscribe(FILTER, 0, BrokerFigures(registry).take)
        self._session.subscribe(renewals.FILTER, 1, self._renewals.take)
        self._offer_own_figures(registry)
        self._status = StatusServer(settings.courier_port, self.condition, registry)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; what was under way is found again in the database by the next start."""
        self._status.start()
        self._renewals.start()
        self._session.start()
        cutting = threading.Thread(target=self._cutoffs.run, args=(stop,), name="cutoffs", daemon=True)
        cutting.start()
        log.info("courier started", health_port=self._settings.courier_port)
        while not stop.is_set():
            self._round()
            stop.wait(self._settings.courier_round_s)
        cutting.join(STOP_S)
        self._session.stop()
        self._renewals.stop()
        self._status.stop()
        self._store.close()
        log.info("courier stopped")

    def condition(self) -> dict[str, Any]:
        """What /healthz says: ok, or degraded with the check that is not."""
        certificates = self._care.condition(self._clock())
        database = self._database_failure or "ok"
        connected = self._session.is_connected
        cutoffs = self._cutoffs.condition()
        well = connected and certificates.pop("ok") and database == "ok" and cutoffs["failure"] is None
        checks = {
            "broker": "connected" if connected else "not connected",
            "database": database,
            "certificates": certificates,
            "cutoffs": cutoffs,
        }
        return {"state": "ok" if well else "degraded", "checks": checks}

    def _round(self) -> None:
        self._care.round(self._clock())
        if not self._session.is_connected:
            return
        try:
            self._facts.round(self._clock())
        except StoreUnavailable as error:
            if self._database_failure is None:
                log.error("the registry cannot be read", reason=str(error))
            self._database_failure = str(error)
        else:
            self._database_failure = None

    def _signer(self) -> Signer:
        return signer_of(load_authorities(self._settings).issuing, self._settings)

    def _connected(self, session_present: bool) -> None:
        log.info("connected to the broker", session_present=session_present)
        self._facts.reconnected()

    def _disconnected(self, reason: str) -> None:
        log.warning("not connected to the broker", reason=reason)

    def _offer_own_figures(self, registry: CollectorRegistry) -> None:
        connected = Gauge("camfleet_courier_broker_connected", "1 while connected", registry=registry)
        connected.set_function(lambda: float(self._session.is_connected))
        left = Gauge("camfleet_crl_seconds_left", "seconds until the first CRL runs out", registry=registry)
        left.set_function(self._crl_seconds_left)

    def _crl_seconds_left(self) -> float:
        until = self._care.crl_until
        return (until - self._clock()).total_seconds() if until else 0.0
