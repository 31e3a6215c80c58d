"""Packets are cut from a stream of bytes however it was divided, and what is no MQTT ends the connection."""

import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.ingest_events import publish_packet
from bench.simfleet.packets import remaining_length
from fleet.mqtt_client import NotMqtt, Packets, Received, pubacks

PINGRESP = b"\xd0\x00"


@dataclass
class Ear:
    """What came, in order: messages one by one, other packets as their command and body."""

    heard: list[Received | tuple[int, bytes]] = field(default_factory=list)

    def packets(self, most_bytes: int = 1 << 20) -> Packets:
        return Packets(7, most_bytes, self.heard.extend, lambda command, body: self.heard.append((command, body)))


def message(payload: bytes, *, mid: int = 5, topic: str = "fleet/v1/cam-00001/up/health") -> bytes:
    return publish_packet(topic, payload, mid)


def test_messages_and_other_packets_come_in_their_order() -> None:
    ear = Ear()
    ear.packets().take(message(b"one", mid=1) + message(b"two", mid=2) + PINGRESP + message(b"three", mid=3))
    said = [item.payload if isinstance(item, Received) else item for item in ear.heard]
    assert said == [b"one", b"two", (0xD0, b""), b"three"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=400), min_size=1, max_size=6), st.integers(1, 300))
def test_however_the_bytes_are_divided_the_same_messages_come(payloads: list[bytes], piece: int) -> None:
    stream = b"".join(message(payload, mid=number + 1) for number, payload in enumerate(payloads)) + PINGRESP
    ear = Ear()
    packets = ear.packets()
    for at in range(0, len(stream), piece):
        packets.take(stream[at : at + piece])
    assert [item.payload for item in ear.heard if isinstance(item, Received)] == payloads
    assert ear.heard[-1] == (0xD0, b"")


def test_qos_retained_mid_topic_and_properties_are_read() -> None:
    ear = Ear()
    topic = "fleet/v1/cam-ü0001/up/presence".encode()
    body = struct.pack(">H", len(topic)) + topic
    expiry = b"\x05\x02\x00\x00\x00\x3c"
    ear.packets().take(b"\x31" + remaining_length(len(body) + 6 + 2) + body + expiry + b"hi")
    ear.packets().take(b"\x3a" + remaining_length(len(body) + 2 + 1 + 2) + body + b"\x12\x34" + b"\0" + b"yo")
    assert ear.heard == [
        Received(topic.decode(), b"hi", 0, True, 0, 7),
        Received(topic.decode(), b"yo", 1, False, 0x1234, 7),
    ]


@pytest.mark.parametrize(
    "stream",
    [
        b"\x32\xff\xff\xff\xff\x01",
        b"\x32\x00",
        b"\x32\x03\x00\x09a",
        b"\x32\x06\x00\x01a\x00\x01\x09",
        b"\x32\x08\x00\x02\xff\xfe\x00\x01\x00x",
        b"\x32\x80\x80\x80\x01",
    ],
)
def test_what_is_no_mqtt_is_refused(stream: bytes) -> None:
    with pytest.raises(NotMqtt):
        Ear().packets(most_bytes=1000).take(stream)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_refused_or_waited_on_and_nothing_else(stream: bytes) -> None:
    ear = Ear()
    try:
        ear.packets().take(stream)
    except NotMqtt:
        return
    assert all(isinstance(item, Received | tuple) for item in ear.heard)


def test_the_acknowledgements_of_many_are_one_piece() -> None:
    assert pubacks([1, 0x1234]) == b"\x40\x02\x00\x01\x40\x02\x12\x34"
    assert pubacks([]) == b""
