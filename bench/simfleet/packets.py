"""The few packets of MQTT 5 that a camera sends and hears. Pure: bytes in, bytes out."""

from collections.abc import Iterator
from dataclasses import dataclass, field

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 9, 13, 14
PING = b"\xc0\x00"
GOODBYE = b"\xe0\x00"
KEEPALIVE_S = 15
SESSION_EXPIRY_S = 7 * 24 * 3600
WILL_DELAY_S = 10
# Of each property of MQTT 5, how its value is written: so many bytes, or a length of two bytes before it.
_FIXED = {0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1}
_FIXED |= {0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
_TEXT = {0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F}
_RECEIVE_MAXIMUM, _USER_PROPERTY, _SUBSCRIPTION_ID = 0x21, 0x26, 0x0B
RECEIVE_MAXIMUM_DEFAULT = 65_535


class NotMqtt(Exception):
    """The other side sent something that is no packet of MQTT 5."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it came: its kind, the four flags of its first byte, and what follows the length."""

    kind: int
    flags: int
    body: bytes


@dataclass
class Reader:
    """Cuts a stream of bytes into packets."""

    _rest: bytes = b""

    def feed(self, content: bytes) -> Iterator[Packet]:
        """Yield every packet that is whole now; raises NotMqtt."""
        content = self._rest + content if self._rest else content
        at = 0
        while (end := _end_of(content, at)) is not None:
            start, stop = end
            yield Packet(content[at] >> 4, content[at] & 15, content[start:stop])
            at = stop
        self._rest = content[at:]


@dataclass(frozen=True)
class Accepted:
    """What a CONNACK says; a `code` of 0x80 or more is a refusal."""

    code: int
    session_present: bool
    receive_maximum: int


@dataclass(frozen=True)
class Message:
    """A PUBLISH; `mid` is 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int
    retain: bool = False
    mid: int = field(default=0)


def connect(client_id: str, will: Message) -> bytes:
    """Return a CONNECT that resumes the session, with a will that is sent some seconds after a loss."""
    flags = 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
    properties = b"\x11" + SESSION_EXPIRY_S.to_bytes(4)
    will_properties = b"\x18" + WILL_DELAY_S.to_bytes(4)
    head = b"\0\x04MQTT\x05" + bytes([flags]) + KEEPALIVE_S.to_bytes(2) + _sized(properties)
    return _packet(0x10, head + _text(client_id) + _sized(will_properties) + _text(will.topic) + _blob(will.payload))


def subscribe(mid: int, topic_filter: str) -> bytes:
    """Return a SUBSCRIBE at QoS 1."""
    return _packet(0x82, mid.to_bytes(2) + b"\0" + _text(topic_filter) + b"\x01")


def publish(message: Message) -> bytes:
    """Return a PUBLISH without properties."""
    mid = message.mid.to_bytes(2) if message.qos else b""
    kind = 0x30 | message.qos << 1 | message.retain
    return _packet(kind, _text(message.topic) + mid + b"\0" + message.payload)


def acknowledge(mid: int) -> bytes:
    """Return a PUBACK of success."""
    return b"\x40\x02" + mid.to_bytes(2)


def read_connack(body: bytes) -> Accepted:
    """Read a CONNACK; raises NotMqtt."""
    if len(body) < 3:
        raise NotMqtt("a CONNACK that is too short")
    return Accepted(body[1], bool(body[0] & 1), _receive_maximum(body[2:]))


def read_puback(body: bytes) -> tuple[int, int]:
    """Return message id and reason code of a PUBACK; raises NotMqtt."""
    if len(body) < 2:
        raise NotMqtt("a PUBACK that is too short")
    return int.from_bytes(body[:2]), body[2] if len(body) > 2 else 0


def read_publish(packet: Packet) -> Message:
    """Read a PUBLISH; raises NotMqtt."""
    body, qos = packet.body, packet.flags >> 1 & 3
    size = int.from_bytes(body[:2])
    at = 2 + size + (2 if qos else 0)
    length, start = _variable(body, at)
    if start + length > len(body):
        raise NotMqtt("a PUBLISH that is too short")
    mid = int.from_bytes(body[2 + size : at]) if qos else 0
    try:
        topic = body[2 : 2 + size].decode()
    except UnicodeDecodeError:
        raise NotMqtt("a topic that is no text") from None
    return Message(topic, body[start + length :], qos, bool(packet.flags & 1), mid)


def _receive_maximum(properties: bytes) -> int:
    length, at = _variable(properties, 0)
    end = at + length
    while at < end:
        kind = properties[at]
        if kind == _RECEIVE_MAXIMUM:
            return int.from_bytes(properties[at + 1 : at + 3])
        at = _after(properties, at)
    return RECEIVE_MAXIMUM_DEFAULT


def _after(properties: bytes, at: int) -> int:
    kind, at = properties[at], at + 1
    if kind in _FIXED:
        return at + _FIXED[kind]
    if kind == _SUBSCRIPTION_ID:
        return _variable(properties, at)[1]
    for _ in range(2 if kind == _USER_PROPERTY else 1):
        if kind not in _TEXT | {_USER_PROPERTY}:
            raise NotMqtt(f"a property {kind:#x} that MQTT 5 does not have")
        at += 2 + int.from_bytes(properties[at : at + 2])
    return at


def _end_of(content: bytes, at: int) -> tuple[int, int] | None:
    """Return where a packet's body starts and ends, or None when it is not whole."""
    length = shift = 0
    for start in range(at + 1, min(at + 5, len(content))):
        length |= (content[start] & 127) << shift
        if content[start] < 128:
            return (start + 1, start + 1 + length) if start + 1 + length <= len(content) else None
        shift += 7
    if len(content) >= at + 5:
        raise NotMqtt("a length of more than four bytes")
    return None


def _variable(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(content) or shift > 21:
            raise NotMqtt("a number that does not end")
        byte, at = content[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def remaining_length(length: int) -> bytes:
    written = bytearray()
    while True:
        length, low = divmod(length, 128)
        written.append(low | (128 if length else 0))
        if not length:
            return bytes(written)


def _packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + remaining_length(len(body)) + body


def _sized(properties: bytes) -> bytes:
    return remaining_length(len(properties)) + properties


def _blob(content: bytes) -> bytes:
    return len(content).to_bytes(2) + content


def _text(text: str) -> bytes:
    return _blob(text.encode())
