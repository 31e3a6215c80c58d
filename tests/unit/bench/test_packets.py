"""The simulator's MQTT 5: what it writes, a broker's client reads; what a broker writes, cut anywhere, it reads."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simfleet import packets
from bench.simfleet.packets import Message, NotMqtt, Packet, Reader

topic_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60)
mids = st.integers(1, 65_535)


def messages(qos: int) -> st.SearchStrategy[Message]:
    number = mids if qos else st.just(0)
    return st.builds(Message, topic_texts, st.binary(max_size=300), st.just(qos), st.booleans(), number)


def read_in_pieces(content: bytes, cuts: Sequence[int]) -> list[Packet]:
    reader, found, at = Reader(), [], 0
    for cut in [*sorted(cut % (len(content) + 1) for cut in cuts), len(content)]:
        found += reader.feed(content[at:cut])
        at = cut
    return found


@given(st.lists(st.one_of(messages(0), messages(1)), max_size=6), st.lists(st.integers(0, 10_000), max_size=8))
def test_messages_come_out_as_they_went_in_wherever_the_stream_is_cut(said: list[Message], cuts: list[int]) -> None:
    stream = b"".join(packets.publish(message) for message in said)
    assert [packets.read_publish(packet) for packet in read_in_pieces(stream, cuts)] == said


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 100_000])
def test_a_body_of_any_length_is_found(length: int) -> None:
    message = Message("t", b"x" * length, 0)
    (packet,) = Reader().feed(packets.publish(message))
    assert packets.read_publish(packet) == message


@given(st.binary(max_size=40))
def test_nonsense_is_refused_or_waited_for_and_nothing_else(content: bytes) -> None:
    try:
        for packet in Reader().feed(content):
            packets.read_publish(packet)
            packets.read_connack(packet.body)
            packets.read_puback(packet.body)
    except NotMqtt:
        return


def test_a_connect_is_what_the_specification_says() -> None:
    will = Message("w/t", b"gone", 1, retain=True)
    expected = bytes.fromhex(
        "10 2c 0004 4d515454 05 2c 000f 05 11 00093a80"  # MQTT 5, will retained at QoS 1, 15 s, expiry of a week
        "0005 63616d2d31"  # cam-1
        "05 18 0000000a 0003 772f74 0004 676f6e65"  # delay 10 s, topic, payload
    )
    assert packets.connect("cam-1", will) == bytes([0x10, len(expected) - 2]) + expected[2:]


def test_a_subscription_asks_for_qos_1() -> None:
    assert packets.subscribe(7, "a/+") == bytes.fromhex("82 09 0007 00 0003 612f2b 01")


def test_an_acknowledgement_names_its_message() -> None:
    assert packets.acknowledge(0x1234) == bytes.fromhex("40 02 1234")


def test_a_connack_tells_its_code_and_how_much_may_be_under_way() -> None:
    # Receive maximum 1000 behind a topic alias maximum, a user property and an assigned client id.
    properties = bytes.fromhex("22 000a 26 0001 61 0001 62 12 0001 63 21 03e8")
    said = packets.read_connack(bytes([1, 0, len(properties)]) + properties)
    assert (said.code, said.session_present, said.receive_maximum) == (0, True, 1000)


def test_a_connack_without_properties_grants_the_most() -> None:
    assert packets.read_connack(b"\0\x87\0") == packets.Accepted(0x87, False, packets.RECEIVE_MAXIMUM_DEFAULT)


@pytest.mark.parametrize("body", [b"", b"\0\0", b"\0\0\x02\x7f\0", b"\0\0\x01\x0f", b"\0\0\xff\xff\xff\xff\xff"])
def test_a_broken_connack_is_refused(body: bytes) -> None:
    with pytest.raises(NotMqtt):
        packets.read_connack(body)


def test_a_puback_without_a_reason_is_a_success() -> None:
    assert packets.read_puback(bytes.fromhex("0007")) == (7, 0)
    assert packets.read_puback(bytes.fromhex("0007 87 00")) == (7, 0x87)


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\x05ab", b"\0\x01a\0\x01\x7f"])
def test_a_broken_publish_is_refused(body: bytes) -> None:
    with pytest.raises(NotMqtt):
        packets.read_publish(Packet(packets.PUBLISH, 2, body))


def test_a_length_that_never_ends_is_refused() -> None:
    with pytest.raises(NotMqtt):
        list(Reader().feed(b"\x30\xff\xff\xff\xff\xff"))
