"""What a session is told once: where the broker is, how to behave there, what to listen to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from paho.mqtt import client as paho

from fleet.mqtt_client import Received

MAX_IN_FLIGHT = 1000


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker listens; `host` must be in its certificate."""

    host: str
    port: int


@dataclass(frozen=True)
class Will:
    """What the broker says for us when we die without a word, `delay` after the connection was lost."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True
    delay: timedelta = timedelta(seconds=10)


@dataclass(frozen=True)
class SessionOptions:
    """How a session behaves. `client_id` equals the certificate's CN; `spread_s` spreads a fleet's reconnects.

    `clean_start` throws away what the broker kept for this client id, at every connection.
    """

    client_id: str
    will: Will | None = None
    expiry: timedelta = timedelta(days=1)
    receive_maximum: int = MAX_IN_FLIGHT
    manual_ack: bool = False
    clean_start: bool = False
    spread_s: float = 0.0
    keepalive_s: int = 15


Handler = Callable[[list[Received]], None]


@dataclass(frozen=True)
class Subscription:
    """A topic filter and what to do with its messages, as many as come at once, on the network thread."""

    topic_filter: str
    qos: int
    handler: Handler

    def matches(self, topic: str) -> bool:
        """Say whether a message is this subscription's; a shared group's name is no part of what topics match."""
        shared = self.topic_filter.startswith("$share/")
        plain = self.topic_filter.split("/", 2)[2] if shared else self.topic_filter
        return bool(paho.topic_matches_sub(plain, topic))
