"""A simulated camera's MQTT session: up again by itself, QoS 1 within the window that the broker grants."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.simfleet import packets
from bench.simfleet.device import Device
from bench.simfleet.line import Line, Talker
from bench.simfleet.loop import Loop
from bench.simfleet.packets import Message, NotMqtt, Packet
from bench.simfleet.tally import Tally
from fleet import topics

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 30.0
ANSWER_S = 30.0
# Both sides are heard at least every 15 s; a quiet camera asks a little earlier.
QUIET_S = 12.0
REFUSED = 0x80
SUBSCRIBE_MID = 65_535


@dataclass
class Session:
    """Callbacks run on the loop's thread: `on_up` after each CONNACK, `on_message` with each PUBLISH."""

    device: Device
    loop: Loop
    tally: Tally
    chance: random.Random
    spread_s: float
    make_will: Callable[[], Message]
    on_up: Callable[[], None]
    on_message: Callable[[Message], None]
    make_line: Callable[[Loop, Talker], Line] = Line
    is_up: bool = False
    _line: Line | None = None
    _is_over: bool = False
    _failures: int = 0
    _heard_s: float = 0.0
    _said_s: float = 0.0
    _mid: int = 0
    _window: int = 0
    _unanswered: set[int] = field(default_factory=set)

    def connect(self) -> None:
        """Begin a connection unless there is one."""
        if self._is_over or self._line is not None:
            return
        self._line = self.make_line(self.loop, self)
        self._heard_s = self.loop.now_s
        try:
            self._line.open(self.device.server, self.device.broker_host, self.device.tls())
        except OSError as error:
            self.lost(str(error))

    @property
    def has_room(self) -> bool:
        """Say whether one more message of QoS 1 may go."""
        return self.is_up and len(self._unanswered) < self._window

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Send if there is a connection, and for QoS 1 room; returns whether it went."""
        if self._line is None or not (self.has_room if qos else self.is_up):
            return False
        mid = self._next_mid() if qos else 0
        self._send(packets.publish(Message(topic, payload, qos, retain, mid)))
        return True

    def tend(self) -> None:
        """Ask whether the broker is there when little was said, and give up one that is not."""
        now_s = self.loop.now_s
        if self._line is None:
            return
        if now_s - self._heard_s > ANSWER_S:
            self._drop()
            self.lost("no answer from the broker")
        elif self.is_up and now_s - min(self._said_s, self._heard_s) > QUIET_S:
            self._send(packets.PING)

    def stop(self) -> None:
        """Say goodbye, which takes the will back, and stay away."""
        self._is_over = True
        if self.is_up:
            self._send(packets.GOODBYE)
        self._drop()

    def lose(self, reason: str) -> None:
        """Close the connection without a word; the session comes back as after any loss."""
        if self._line is not None:
            self._drop()
            self.lost(reason)

    def go_silent(self, seconds: float, reason: str) -> None:
        """Hear and say nothing for so long, and connect anew: the broker is told nothing."""
        line = self._line
        if line is None or not self.is_up:
            return
        line.freeze()
        self._forget()
        self.tally.losses[reason] += 1
        self.loop.after(seconds, line.close)
        self.loop.after(seconds, self.connect)

    def opened(self) -> None:
        """TLS stands."""
        self._send(packets.connect(self.device.device_id, self.make_will()))

    def heard(self, packet: Packet) -> None:
        """Take a packet of the broker's."""
        self._heard_s = self.loop.now_s
        if packet.kind == packets.PUBACK:
            self._answered(packet)
        elif packet.kind == packets.PUBLISH:
            self._take(packets.read_publish(packet))
        elif packet.kind == packets.CONNACK:
            self._accepted(packet)
        elif packet.kind == packets.DISCONNECT:
            code = packet.body[0] if packet.body else 0
            raise NotMqtt(f"the broker said goodbye: {code:#04x}")

    def lost(self, reason: str) -> None:
        """The connection is gone: wait, with full jitter over the fleet's spread, and come back."""
        self._forget()
        if self._is_over:
            return
        self.tally.losses[reason] += 1
        self._failures += 1
        ceiling = max(self.spread_s, min(RETRY_MOST_S, RETRY_FIRST_S * 2**self._failures))
        self.loop.after(self.chance.uniform(0.05, ceiling), self.connect)

    def _accepted(self, packet: Packet) -> None:
        said = packets.read_connack(packet.body)
        if said.code >= REFUSED:
            raise NotMqtt(f"the broker refused the connection: {said.code:#04x}")
        self.is_up, self._failures, self._window = True, 0, said.receive_maximum
        self.tally.connections += 1
        self._send(packets.subscribe(SUBSCRIBE_MID, topics.receipt(self.device.device_id)))
        self.on_up()

    def _answered(self, packet: Packet) -> None:
        mid, code = packets.read_puback(packet.body)
        self._unanswered.discard(mid)
        if code >= REFUSED:
            self.tally.refusals[code] += 1

    def _take(self, message: Message) -> None:
        if message.qos:
            self._send(packets.acknowledge(message.mid))
        self.on_message(message)

    def _next_mid(self) -> int:
        while True:
            self._mid = self._mid % (SUBSCRIBE_MID - 1) + 1
            if self._mid not in self._unanswered:
                self._unanswered.add(self._mid)
                return self._mid

    def _send(self, content: bytes) -> None:
        if self._line is not None:
            self._said_s = self.loop.now_s
            self._line.send(content)

    def _drop(self) -> None:
        line = self._line
        self._forget()
        if line is not None:
            line.close()

    def _forget(self) -> None:
        self._line, self.is_up = None, False
        self._unanswered.clear()
