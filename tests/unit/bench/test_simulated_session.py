"""A simulated camera's session: what it says to a broker, and how it lives through everything a broker does."""

import pytest

from bench.simfleet import packets
from bench.simfleet.packets import Message, NotMqtt
from bench.simfleet.session import ANSWER_S, QUIET_S, RETRY_MOST_S
from tests.unit.bench.wires import Wires, session_on

# The receive maximum, as a property of a CONNACK.
TWO_AT_A_TIME = b"\x03\x21\x00\x02"


def test_it_connects_with_its_will_and_asks_for_its_receipts() -> None:
    wires = Wires()
    session = session_on(wires)
    assert wires.line.kinds() == [1]
    assert b"will" in wires.line.sent[0].body
    assert not session.is_up
    wires.line.accept()
    assert session.is_up
    assert wires.line.kinds() == [1, 8]
    assert b"fleet/v1/cam-simulated-1/down/receipt" in wires.line.sent[1].body


def test_nothing_is_published_before_the_broker_has_accepted() -> None:
    wires = Wires()
    session = session_on(wires)
    assert not session.publish("t", b"", qos=0)
    assert not session.publish("t", b"")


def test_no_more_is_under_way_than_the_broker_grants() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept(TWO_AT_A_TIME)
    assert [session.publish("t", b"") for _ in range(3)] == [True, True, False]
    assert session.publish("t", b"", qos=0)
    wires.line.take_publishes()
    assert session.publish("t", b"")


def test_each_message_under_way_has_a_number_of_its_own() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept()
    for _ in range(70_000):
        session.publish("t", b"")
        if not session.has_room or len(wires.line.sent) > 900:
            mids = [message.mid for message in wires.line.published()]
            assert len(set(mids)) == len(mids)
            assert 0 not in mids
            wires.line.take_publishes()


def test_a_message_is_acknowledged_and_handed_on() -> None:
    wires, heard = Wires(), []
    session_on(wires, heard.append)
    wires.line.accept()
    content = packets.publish(Message("a/b", b"hello", 1, mid=9))
    wires.line.answer(packets.PUBLISH, content[2:], flags=2)
    assert [message.payload for message in heard] == [b"hello"]
    assert wires.line.sent[-1].body == b"\0\x09"


def test_a_refusal_of_one_message_is_counted_and_frees_its_place() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept(TWO_AT_A_TIME)
    session.publish("t", b"")
    session.publish("t", b"")
    wires.line.answer(packets.PUBACK, b"\0\x01\x87\0")
    assert wires.tally.refusals == {0x87: 1}
    assert session.has_room


@pytest.mark.parametrize(("kind", "body"), [(packets.CONNACK, b"\0\x87\0"), (packets.DISCONNECT, b"\x8e\0")])
def test_a_refused_or_ended_connection_says_its_code(kind: int, body: bytes) -> None:
    wires = Wires()
    session_on(wires)
    with pytest.raises(NotMqtt, match=r"0x8[7e]"):
        wires.line.answer(kind, body)


def test_after_a_loss_it_comes_back_later_each_time_and_never_too_late() -> None:
    wires = Wires()
    session = session_on(wires)
    for attempt in range(1, 10):
        session.lost("gone")
        wires.pass_time(min(RETRY_MOST_S, 2.0**attempt))
        assert len(wires.lines) == attempt + 1
    assert wires.tally.losses == {"gone": 9}


def test_a_line_without_an_answer_is_given_up() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept()
    wires.pass_time(ANSWER_S + 1)
    session.tend()
    assert wires.lines[0].is_closed
    assert wires.tally.losses == {"no answer from the broker": 1}


def test_a_quiet_line_is_kept_alive_by_asking() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept()
    wires.pass_time(QUIET_S + 1)
    session.tend()
    assert wires.line.kinds()[-1] == 12
    wires.line.answer(packets.PINGRESP, b"")
    session.tend()
    assert wires.line.kinds().count(12) == 1


def test_a_silent_line_tells_the_broker_nothing_and_is_replaced_later() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept()
    session.go_silent(5.0, "on purpose")
    assert not session.publish("t", b"")
    wires.pass_time(4.0)
    assert (len(wires.lines), wires.lines[0].is_closed, wires.lines[0].is_frozen) == (1, False, True)
    wires.pass_time(2.0)
    assert (len(wires.lines), wires.lines[0].is_closed) == (2, True)


def test_a_stopped_session_says_goodbye_and_stays_away() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept()
    session.stop()
    assert wires.line.kinds()[-1] == packets.DISCONNECT
    session.lost("closed")
    wires.pass_time(100.0)
    session.connect()
    assert len(wires.lines) == 1
    assert wires.tally.losses == {}


def test_what_was_under_way_when_the_line_was_lost_takes_no_room_on_the_next() -> None:
    wires = Wires()
    session = session_on(wires)
    wires.line.accept(TWO_AT_A_TIME)
    session.publish("t", b"")
    session.publish("t", b"")
    session.lose("on purpose")
    wires.pass_time(10.0)
    wires.line.accept(TWO_AT_A_TIME)
    assert session.publish("t", b"")
