"""What the broker contract needs of any broker, and MQTT clients that say exactly what they saw."""

import queue
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fleet.home import CredentialFiles
from fleet.mqtt import BrokerAddress
from tests.support.authorities import Authorities
from tests.support.waiting import wait_until

SOON_S = 8.0
NOT_AUTHORIZED = 0x87
NO_SUBSCRIBERS = 0x10


class Broker(Protocol):
    """A broker under test, whichever it is."""

    @property
    def kicks_by_takeover(self) -> bool:
        """Whether a servers' session may end a camera's by taking its client id (EMQX: by its API instead)."""
        ...

    @property
    def shortens_keepalive(self) -> bool: ...

    @property
    def cameras(self) -> BrokerAddress: ...

    @property
    def servers(self) -> BrokerAddress: ...

    @property
    def authorities(self) -> Authorities: ...

    def credentials(self, name: str) -> CredentialFiles: ...

    def address_of(self, name: str) -> BrokerAddress: ...


@dataclass
class Client:
    """One connected client that keeps what it was sent."""

    paho: paho.Client
    received: "queue.Queue[tuple[str, bytes]]" = field(default_factory=queue.Queue)
    answers: dict[int, int] = field(default_factory=dict)
    subscribed: list[int] = field(default_factory=list)
    session_present: bool | None = None
    closed: list[int] = field(default_factory=list)
    maximum_packet: int | None = None
    keepalive: int | None = None

    def publish(self, topic: str, payload: bytes = b"x", *, qos: int = 1, retain: bool = False) -> int:
        """Publish and return the broker's reason code."""
        sent = self.paho.publish(topic, payload, qos, retain)
        return wait_until(lambda: self.answers.get(sent.mid, -1) + 1, SOON_S, f"answer to {topic}") - 1

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe and wait for the broker's answer, whatever it is."""
        before = len(self.subscribed)
        self.paho.subscribe(topic_filter, 1)
        wait_until(lambda: len(self.subscribed) > before, SOON_S, f"SUBACK for {topic_filter}")

    def next(self, timeout_s: float = SOON_S) -> tuple[str, bytes]:
        """Return the next message; fails when there is none in time."""
        return self.received.get(timeout=timeout_s)

    def drain(self) -> list[tuple[str, bytes]]:
        """Return everything that has arrived."""
        found = []
        while not self.received.empty():
            found.append(self.received.get())
        return found


def wire(client: paho.Client) -> Client:
    """Make the client's callbacks write down what happens."""
    seen = Client(client)

    def connected(_c: Any, _u: Any, flags: Any, code: Any, properties: Any) -> None:
        seen.session_present = bool(flags.session_present)
        seen.maximum_packet = getattr(properties, "MaximumPacketSize", None)
        seen.keepalive = getattr(properties, "ServerKeepAlive", None)

    client.on_connect = connected
    client.on_disconnect = lambda _c, _u, _f, code, _p: seen.closed.append(code.value)
    client.on_message = lambda _c, _u, message: seen.received.put((message.topic, bytes(message.payload)))
    client.on_publish = lambda _c, _u, mid, code, _p: seen.answers.__setitem__(mid, code.value)
    client.on_subscribe = lambda _c, _u, _mid, codes, _p: seen.subscribed.extend(code.value for code in codes)
    return seen


def context(files: CredentialFiles | None, ca: CredentialFiles) -> ssl.SSLContext:
    """Return a TLS context that trusts the device root; without `files` it shows no certificate."""
    made = ssl.create_default_context(cafile=str(ca.ca))
    if files:
        made.load_cert_chain(str(files.certificate), str(files.key))
    return made


@dataclass(frozen=True)
class Wish:
    """How to connect: which certificate, which client id is claimed, and what is asked of the session."""

    name: str
    client_id: str | None = None
    expiry_s: int = 0
    clean_start: bool = True
    will_topic: str | None = None
    will_delay_s: int = 0
    keepalive_s: int = 15


@contextmanager
def connected(broker: Broker, wish: Wish | str) -> Iterator[Client]:
    """Connect as asked to where that certificate belongs; ends the connection politely unless it is gone."""
    wanted = wish if isinstance(wish, Wish) else Wish(wish)
    address, files = broker.address_of(wanted.name), broker.credentials(wanted.name)
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=wanted.client_id or wanted.name,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )
    client.tls_set_context(context(files, files))
    if wanted.will_topic:
        delay = Properties(PacketTypes.WILLMESSAGE)
        delay.WillDelayInterval = wanted.will_delay_s
        client.will_set(wanted.will_topic, b"will", 1, True, delay)
    asked = Properties(PacketTypes.CONNECT)
    asked.SessionExpiryInterval = wanted.expiry_s
    seen = wire(client)
    client.connect(address.host, address.port, wanted.keepalive_s, clean_start=wanted.clean_start, properties=asked)
    client.loop_start()
    try:
        wait_until(lambda: seen.session_present is not None, SOON_S, f"{wanted.name} is connected")
        yield seen
    finally:
        client.disconnect()
        client.loop_stop()


def is_admitted(address: BrokerAddress, files: CredentialFiles | None, ca: CredentialFiles) -> bool:
    """Whether the broker answers CONNECT. Under TLS 1.3 a client learns of a refusal only after its handshake."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id="asking", protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
    )
    client.tls_set_context(context(files, ca))
    seen = wire(client)
    try:
        client.connect(address.host, address.port, 15)
        client.loop_start()
        wait_until(lambda: seen.session_present is not None or seen.closed, SOON_S, "an answer or a refusal")
    except OSError:
        return False
    finally:
        client.disconnect()
        client.loop_stop()
    return seen.session_present is not None


def lose(client: Client) -> None:
    """End the connection as a dead client does: no DISCONNECT."""
    client.paho.loop_stop()
    sock = client.paho.socket()
    assert sock is not None
    sock.close()
