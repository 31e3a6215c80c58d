"""One MQTT session over mutual TLS that stays up: with `mqtt_client` the only door to paho.

Each connection gets a fresh client, so renewed certificates are read again and nothing of a broken connection is sent
twice behind the caller's back: what must survive lives in the caller's outbox, or unacknowledged at the broker.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fleet.home import CredentialFiles
from fleet.logs import get_logger
from fleet.mqtt_client import MOST_TOPICS, Client, Received
from fleet.mqtt_options import MAX_IN_FLIGHT, BrokerAddress, Handler, SessionOptions, Subscription, Will
from fleet.tls import client_context, describe

__all__ = [
    "EXPLANATIONS",
    "MOST_TOPICS",
    "BrokerAddress",
    "Received",
    "Session",
    "SessionOptions",
    "Subscription",
    "Will",
]

log = get_logger(__name__)

CONNECT_TIMEOUT_S = 10.0
LOOK_S = 1.0
RETRY_FIRST_S = 1.0
RETRY_MOST_S = 30.0
STEADY_S = 10.0
# What some of MQTT's reason codes mean to a person.
LOST, TAKEN_OVER = 0x80, 0x8E
EXPLANATIONS = {
    LOST: "the connection was lost",
    TAKEN_OVER: "lost again right after connecting: if another client uses this certificate, stop one of them",
}
MAX_PACKET_BYTES = 256 * 1024
WITH_WILL = 0x04


Connected = Callable[[bool], None]
Disconnected = Callable[[str], None]
Acknowledged = Callable[[bool], None]


def _nothing(_: Any) -> None:
    return None


def _always() -> bool:
    return True


def _one_by_one(handler: Callable[[Received], None]) -> Handler:
    def handle(messages: list[Received]) -> None:
        for received in messages:
            handler(received)

    return handle


@dataclass
class Session:
    """A session that connects, resubscribes and comes back by itself until stopped.

    Callbacks run on the network thread and must be short; `on_connected` gets whether the broker had kept the
    session, `on_disconnected` a reason for people. `has_room` is asked before each read and may wait a moment: while it
    says no, what comes waits at the broker, and the connection lives on.
    """

    address: BrokerAddress
    credentials: CredentialFiles
    options: SessionOptions
    on_connected: Connected = _nothing
    on_disconnected: Disconnected = _nothing
    has_room: Callable[[], bool] = _always
    _routes: dict[str, Handler | None] = field(default_factory=dict)
    _subscriptions: list[Subscription] = field(default_factory=list)
    _pending: dict[int, Acknowledged] = field(default_factory=dict)
    _early: dict[int, bool] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    # Guards `_pending` and `_early` alone, and is never held while paho is called.
    _answers: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _connected: threading.Event = field(default_factory=threading.Event)
    _asked_again: threading.Event = field(default_factory=threading.Event)
    _client: Client | None = None
    _connection: int = 0
    _thread: threading.Thread | None = None

    @property
    def is_connected(self) -> bool:
        """Say whether the broker has accepted the current connection."""
        return self._connected.is_set()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for a connection; returns whether there is one."""
        return self._connected.wait(timeout_s)

    def subscribe(self, topic_filter: str, qos: int, handler: Callable[[Received], None]) -> None:
        """Subscribe now if connected, and again on every connection."""
        self.subscribe_many(topic_filter, qos, _one_by_one(handler))

    def subscribe_many(self, topic_filter: str, qos: int, handler: Handler) -> None:
        """Do the same for a handler that takes messages in lists, in the order in which they came."""
        with self._lock:
            self._subscriptions.append(Subscription(topic_filter, qos, handler))
            self._routes.clear()
            if self._client is not None and self.is_connected:
                self._client.subscribe(topic_filter, qos)

    def start(self) -> None:
        """Connect in the background and keep connected."""
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{self.options.client_id}", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Say goodbye (so no will is sent) and end the thread."""
        self._stopping.set()
        self._asked_again.set()
        client = self._client
        if client is not None:
            client.disconnect()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def reconnect(self, credentials: CredentialFiles | None = None) -> None:
        """Close this connection and make the next one at once, with other credentials if given; same MQTT session.

        The goodbye keeps the will: a delayed one is not sent if the next connection comes in time, and is if we die.
        """
        with self._lock:
            if self._stopping.is_set():
                return
            if credentials is not None:
                self.credentials = credentials
            self._asked_again.set()
            # From here on `is_connected` speaks of the next connection.
            self._connected.clear()
            client = self._client
        if client is not None:
            _close_keeping_will(client)

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False, acknowledged: Acknowledged = _nothing
    ) -> bool:
        """Send if connected; returns whether it was handed to the connection.

        `acknowledged(True)` follows when the broker took a QoS 1 message, `acknowledged(False)` when it refused it or
        the connection was lost first. A broker's word is no proof of delivery (DESIGN §5).
        """
        with self._lock:
            if self._client is None or not self.is_connected:
                return False
            sent = self._client.publish(topic, payload, qos, retain)
            if sent.rc != paho.MQTT_ERR_SUCCESS:
                return False
            early = self._await_answer(sent.mid, acknowledged) if qos > 0 else None
        if early is not None:
            acknowledged(early)
        return True

    def _await_answer(self, mid: int, acknowledged: Acknowledged) -> bool | None:
        """Remember who waits for the answer; returns the answer if the network thread already has it."""
        with self._answers:
            if mid in self._early:
                return self._early.pop(mid)
            self._pending[mid] = acknowledged
            return None

    @property
    def pending(self) -> int:
        """Return how many QoS 1 messages the broker has not answered yet."""
        return len(self._pending)

    def acknowledge(self, received: Received) -> None:
        """Let the broker forget a message (manual acknowledgement); one of an older connection is left alone."""
        self.acknowledge_all([received])

    def acknowledge_all(self, messages: Iterable[Received]) -> None:
        """Let the broker forget many messages, by one write."""
        with self._lock:
            client, connection = self._client, self._connection
        if client is not None and self.options.manual_ack:
            client.acknowledge([item.mid for item in messages if item.qos > 0 and item.connection == connection])

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began_s = time.monotonic()
            reason, was_up = self._live_once()
            asked = self._asked_again.is_set()
            # One that is thrown out again and again (by its own twin) must not come back at full speed.
            lasted = was_up and time.monotonic() - began_s >= STEADY_S
            failures = 0 if lasted or asked else failures + 1
            if self._stopping.is_set():
                return
            if not asked:
                # Mosquitto closes without a word when the same name connects again.
                is_thrown_out = was_up and failures > 1 and reason == EXPLANATIONS[LOST]
                self.on_disconnected(EXPLANATIONS[TAKEN_OVER] if is_thrown_out else reason)
                self._asked_again.wait(self._retry_delay(failures))

    def _retry_delay(self, failures: int) -> float:
        """Full jitter: a whole fleet that lost one broker must not come back in one second."""
        ceiling = min(RETRY_MOST_S, RETRY_FIRST_S * 2**failures)
        return random.uniform(0.05, max(ceiling, self.options.spread_s))  # noqa: S311  (not a secret)

    def _live_once(self) -> tuple[str, bool]:
        """Run one connection to its end; returns why it ended and whether it had been up."""
        outcome = _Outcome()
        try:
            with self._lock:
                # What is asked for from here on meets a client that it can close.
                self._asked_again.clear()
                client = self._new_client(outcome)
                self._client, self._connection = client, self._connection + 1
            client.connect(
                self.address.host,
                self.address.port,
                self.options.keepalive_s,
                clean_start=self.options.clean_start,
                properties=self._connect_properties(),
            )
            # paho's own thread: without one, every publishing thread would write to the TLS socket by itself.
            client.loop_start()
            while not outcome.over.wait(LOOK_S) and client.socket() is not None:
                if self._asked_again.is_set() and not self._stopping.is_set():
                    _close_keeping_will(client)
            client.loop_stop()
        except OSError as error:
            outcome.reason = describe(error)
        self._forget_connection()
        return outcome.reason, outcome.was_up

    def _forget_connection(self) -> None:
        with self._lock, self._answers:
            self._connected.clear()
            self._client = None
            lost, self._pending = list(self._pending.values()), {}
            self._early.clear()
        for acknowledged in lost:
            acknowledged(False)

    def _new_client(self, outcome: "_Outcome") -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.options.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=self.options.manual_ack,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(MAX_IN_FLIGHT)
        client.tls_set_context(client_context(self.credentials))
        self._set_will(client)
        guarded = _Guard(client, outcome)
        client.on_connect = guarded(lambda _c, _u, flags, code, _p: self._connect_answered(outcome, flags, code))
        client.on_disconnect = lambda _c, _u, _f, code, _p: outcome.end(code)
        client.prepare(self._connection + 1, MAX_PACKET_BYTES, guarded(self._deliver), self.has_room)
        client.on_publish = guarded(lambda _c, _u, mid, code, _p: self._publish_answered(mid, code))
        return client

    def _set_will(self, client: paho.Client) -> None:
        will = self.options.will
        if will is None:
            return
        properties = Properties(PacketTypes.WILLMESSAGE)
        properties.WillDelayInterval = int(will.delay.total_seconds())
        client.will_set(will.topic, will.payload, will.qos, will.retain, properties)

    def _connect_properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = int(self.options.expiry.total_seconds())
        properties.ReceiveMaximum = self.options.receive_maximum
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        return properties

    def _connect_answered(self, outcome: "_Outcome", flags: paho.ConnectFlags, code: ReasonCode) -> None:
        if code.is_failure:
            outcome.refuse(code)
            return
        outcome.was_up = True
        with self._lock:
            if self._asked_again.is_set():
                return
            self._connected.set()
            wanted = [(item.topic_filter, item.qos) for item in self._subscriptions]
            if wanted and self._client is not None:
                self._client.subscribe(wanted)
        self.on_connected(bool(flags.session_present))

    def _deliver(self, messages: list[Received]) -> None:
        """Give each handler what is its own, in lists as long as the order allows."""
        began, current = 0, self._route(messages[0].topic)
        for at, received in enumerate(messages):
            handler = self._route(received.topic)
            if handler is not current:
                self._hand_over(messages[began:at], current)
                began, current = at, handler
        self._hand_over(messages[began:] if began else messages, current)

    def _hand_over(self, messages: list[Received], handler: Handler | None) -> None:
        if handler is not None:
            handler(messages)
        elif self.options.manual_ack:
            self.acknowledge_all(messages)
        if not self.options.manual_ack and self._client is not None:
            self._client.acknowledge([received.mid for received in messages if received.qos > 0])

    def _route(self, topic: str) -> Handler | None:
        """Return the first subscription's handler that matches; remembered, because matching is slow."""
        try:
            return self._routes[topic]
        except KeyError:
            handlers = (item.handler for item in self._subscriptions if item.matches(topic))
            if len(self._routes) >= MOST_TOPICS:
                self._routes.clear()
            return self._routes.setdefault(topic, next(handlers, None))

    def _publish_answered(self, mid: int, code: ReasonCode) -> None:
        # paho calls this while it holds the lock that its `publish` takes, and we publish under `_lock`: taking
        # `_lock` here would be a deadlock as soon as two threads meet.
        taken = not code.is_failure
        with self._answers:
            acknowledged = self._pending.pop(mid, None)
            if acknowledged is None:
                self._early[mid] = taken
        if acknowledged is not None:
            acknowledged(taken)


@dataclass
class _Outcome:
    """How one connection went; `over` is set when it has ended."""

    reason: str = "the connection was closed"
    was_up: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    _is_explained: bool = False

    def refuse(self, code: ReasonCode) -> None:
        # paho reports twice when the broker says goodbye: first its reason, then that the connection is gone.
        if code.is_failure and not self._is_explained:
            self._is_explained = True
            self.reason = EXPLANATIONS.get(code.value, f"the broker said: {code}")

    def end(self, code: ReasonCode) -> None:
        self.refuse(code)
        self.over.set()


@dataclass(frozen=True)
class _Guard:
    """Wraps callbacks: a handler's defect must cost one connection, not the network thread."""

    client: paho.Client
    outcome: _Outcome

    def __call__(self, callback: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except Exception:
                # The top of the network thread: what was not acknowledged comes again over the next connection.
                log.exception("a message handler failed; reconnecting")
                self.client.disconnect()
                self.outcome.reason = "a message handler failed"

        return run


def _close_keeping_will(client: paho.Client) -> None:
    client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=WITH_WILL))
