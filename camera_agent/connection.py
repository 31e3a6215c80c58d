"""The camera's MQTT session: made from its settings, with one log line for each change of its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from camera_agent.home import AgentHome
from camera_agent.settings import AgentSettings
from fleet import topics
from fleet.logs import get_logger
from fleet.mqtt import BrokerAddress, Session, SessionOptions, Will

KEPT_BY_BROKER = timedelta(days=7)

log = get_logger(__name__)


@dataclass
class _Diary:
    """Repeats of a failure that was said drop to debug."""

    broker: str
    on_connected: Callable[[], None]
    _said_lost: bool = False

    def connected(self, _session_present: bool) -> None:
        self._said_lost = False
        log.info("connected", broker=self.broker)
        self.on_connected()

    def disconnected(self, reason: str) -> None:
        say = log.debug if self._said_lost else log.warning
        say("not connected, events wait in the outbox", broker=self.broker, reason=reason)
        self._said_lost = True


def new_session(settings: AgentSettings, home: AgentHome, will: Will, on_connected: Callable[[], None]) -> Session:
    """Return a session that was not started yet; `on_connected` is called on its own thread."""
    diary = _Diary(f"{settings.broker_host}:{settings.broker_port}", on_connected)
    options = SessionOptions(settings.device_id, will=will, expiry=KEPT_BY_BROKER, spread_s=settings.reconnect_spread_s)
    return Session(
        BrokerAddress(settings.broker_host, settings.broker_port),
        home.credentials,
        options,
        on_connected=diary.connected,
        on_disconnected=diary.disconnected,
    )


def hear_receipts(session: Session, device_id: str, take: Callable[[bytes], None]) -> None:
    """Have `take` called with each receipt, on the session's thread."""
    session.subscribe(topics.receipt(device_id), 1, lambda received: take(received.payload))
