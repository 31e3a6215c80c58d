"""paho's client with what a busy subscriber needs: large reads, messages in lists, acknowledgements in one write.

Everything else of MQTT (connecting, keepalive, subscriptions, publishing, acknowledged publishes) is paho's own. What
this relies on inside paho is named here and nowhere else, and the release is pinned.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.exception import MalformedPacket

from fleet.mqtt_tls import MemoryTls

PUBLISH, PUBACK = 0x30, 0x40
# Command and length of a PUBACK that says only "taken".
TAKEN = 0x4002
QOS, RETAINED = 0x06, 0x01
LONGEST_LENGTH = 4
# As many as a large fleet has; remembered so that a topic is decoded once.
MOST_TOPICS = 50_000


@dataclass(slots=True)
class Received:
    """One message. With manual acknowledgement the broker keeps it until `Session.acknowledge` was called."""

    topic: str
    payload: bytes
    qos: int
    retained: bool
    mid: int
    connection: int


class NotMqtt(ValueError):
    """The bytes are no MQTT: the connection cannot be read on."""


@dataclass
class Packets:
    """Cuts a stream of bytes into MQTT packets; what is incomplete waits for the next bytes.

    Messages of QoS 0 and 1 go to `on_messages` in lists, every other packet to `on_other(command, body)`, in order.
    """

    connection: int
    most_bytes: int
    on_messages: Callable[[list[Received]], None]
    on_other: Callable[[int, bytes], None]
    _rest: bytes = b""
    _topics: dict[bytes, str] = field(default_factory=dict)

    def take(self, content: bytes) -> None:
        """Cut what has come; raises NotMqtt."""
        if self._rest:
            content = self._rest + content
        messages: list[Received] = []
        at, end = 0, len(content)
        while end - at >= 2:
            head, length, body = content[at], content[at + 1], at + 2
            if length & 0x80:
                length, body = _length_at(content, at + 1)
                if body < 0:
                    break
            stop = body + length
            if length > self.most_bytes:
                raise NotMqtt(f"a packet of {length} bytes")
            if stop > end:
                break
            at = stop
            if head & 0xF0 == PUBLISH and head & QOS < 4:
                messages.append(self._message(content, head, body, stop))
                continue
            if messages:
                self.on_messages(messages)
                messages = []
            self.on_other(head, content[body:stop])
        self._rest = content[at:]
        if messages:
            self.on_messages(messages)

    def _message(self, content: bytes, head: int, body: int, stop: int) -> Received:
        name = body + 2
        at = name_end = name + int.from_bytes(content[body:name])
        mid = 0
        if head & QOS:
            mid = int.from_bytes(content[at : at + 2])
            at += 2
        if at >= stop:
            raise NotMqtt("a message that ends before its payload")
        length, at = (content[at], at + 1) if content[at] < 0x80 else _length_at(content, at)
        at += length
        if at > stop or at <= name_end:
            raise NotMqtt("a message that ends within its properties")
        topic = self._topic(content[name:name_end])
        return Received(topic, content[at:stop], (head & QOS) >> 1, bool(head & RETAINED), mid, self.connection)

    def _topic(self, name: bytes) -> str:
        topic = self._topics.get(name)
        if topic is None:
            try:
                topic = name.decode()
            except UnicodeDecodeError:
                raise NotMqtt("a topic that is no UTF-8") from None
            if len(self._topics) >= MOST_TOPICS:
                self._topics.clear()
            self._topics[name] = topic
        return topic


def _length_at(content: bytes, at: int) -> tuple[int, int]:
    """Return a variable byte integer and where what follows begins; a negative place when it is cut off."""
    value = 0
    for number, byte in enumerate(content[at : at + LONGEST_LENGTH]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, at + number + 1
    if len(content) - at >= LONGEST_LENGTH:
        raise NotMqtt("a length of more than four bytes")
    return 0, -1


def pubacks(mids: Iterable[int]) -> bytes:
    """Return the PUBACKs of these messages in one piece."""
    words = list(chain.from_iterable(zip(repeat(TAKEN), mids, strict=False)))
    return struct.pack(f">{len(words)}H", *words)


class Client(paho.Client):
    """A paho client that gives its messages to `on_messages`, many at a time.

    `has_room` is asked before each read. It may wait a moment; while it says no, nothing is read, the broker keeps
    what it has, and the connection stays alive.
    """

    def prepare(
        self,
        connection: int,
        most_bytes: int,
        on_messages: Callable[[list[Received]], None],
        has_room: Callable[[], bool],
    ) -> None:
        """Number the messages of this connection, and say where they go; larger packets than `most_bytes` end it."""
        self._packets = Packets(connection, most_bytes, on_messages, self._take_other)
        self._has_room = has_room

    def acknowledge(self, mids: list[int]) -> None:
        """Let the broker forget messages of QoS 1, by one write."""
        if mids:
            self._packet_queue(PUBACK, pubacks(mids), 0, 0)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002  (paho's signature)
        """Read and handle whatever has come."""
        line: Any = self._sock
        if line is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if not self._has_room():
            self._note_life()
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        try:
            content = line.read_all()
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            content = b""
        if not content:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        self._note_life()
        try:
            self._packets.take(content)
        except (NotMqtt, MalformedPacket):
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def loop_write(self) -> MQTTErrorCode:
        """Write what waits, first of all what an earlier write left over."""
        line: Any = self._sock
        try:
            if line is not None:
                line.flush()
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        return super().loop_write()

    def want_write(self) -> bool:
        """Say whether anything waits to be written."""
        line: Any = self._sock
        return super().want_write() or (line is not None and line.has_unsent)

    def _take_other(self, command: int, body: bytes) -> None:
        if self._sock is None:
            return
        self._in_packet = {
            "command": command,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        code = self._packet_handle()
        if code:
            self._loop_rc_handle(code)

    def _note_life(self) -> None:
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        self._ping_t = 0

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> Any:
        if self._ssl_context is None:
            raise ValueError("a session without TLS")
        line = MemoryTls(tcp_sock, self._ssl_context, self._host)
        line.do_handshake(self.connect_timeout)
        return line
