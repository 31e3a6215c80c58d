"""The simulator's outbox keeps, sends again and forgets as an agent's does."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from bench.simfleet.outbox import IN_FLIGHT, RESEND_FIRST_S, RESEND_MOST_S, Outbox


def outbox_of(count: int, at_s: float = 0.0) -> Outbox:
    outbox = Outbox()
    for _ in range(count):
        outbox.add("topic", b"payload", at_s)
    return outbox


def send_all(outbox: Outbox, now_s: float) -> list[int]:
    sent = []
    while (kept := outbox.take_due(now_s)) is not None:
        sent.append(kept.seq)
    return sent


def test_messages_go_once_in_the_order_in_which_they_were_decided() -> None:
    outbox = outbox_of(3)
    assert send_all(outbox, 0.0) == [1, 2, 3]
    assert send_all(outbox, 1.0) == []
    assert len(outbox) == 3


def test_what_has_no_receipt_goes_again_after_ten_seconds_then_twenty() -> None:
    outbox = outbox_of(1)
    moments = [0.0, 9.9, 10.0, 29.9, 30.0, 69.9, 70.0]
    assert [bool(send_all(outbox, at)) for at in moments] == [True, False, True, False, True, False, True]


def test_the_wait_never_grows_beyond_ten_minutes() -> None:
    outbox, now_s = outbox_of(1), 0.0
    for _ in range(12):
        assert send_all(outbox, now_s) == [1]
        now_s += RESEND_MOST_S
    assert send_all(outbox, now_s - 1) == []


def test_a_receipt_forgets_exactly_what_it_names() -> None:
    outbox = outbox_of(10)
    send_all(outbox, 0.0)
    assert [kept.seq for kept in outbox.settle(outbox.id, [(2, 3), (9, 12)])] == [2, 3, 9, 10]
    assert send_all(outbox, RESEND_FIRST_S) == [1, 4, 5, 6, 7, 8]


def test_a_receipt_for_another_outbox_forgets_nothing() -> None:
    outbox = outbox_of(2)
    send_all(outbox, 0.0)
    assert outbox.settle(uuid4(), [(1, 2)]) == []
    assert len(outbox) == 2


def test_a_receipt_may_come_after_the_connection_on_which_the_message_went() -> None:
    outbox = outbox_of(2)
    send_all(outbox, 0.0)
    outbox.reconnected()
    assert [kept.seq for kept in outbox.settle(outbox.id, [(1, 1)])] == [1]
    assert send_all(outbox, 0.1) == [2]


def test_after_a_reconnect_all_without_a_receipt_goes_again_oldest_first() -> None:
    outbox = outbox_of(3)
    send_all(outbox, 0.0)
    outbox.add("topic", b"new", 1.0)
    outbox.reconnected()
    first = outbox.take_due(1.0)
    assert first is not None
    assert (first.seq, first.times) == (1, 2)
    assert send_all(outbox, 1.0) == [2, 3, 4]


def test_only_so_much_is_under_way_at_a_time() -> None:
    outbox = outbox_of(IN_FLIGHT + 5)
    assert len(send_all(outbox, 0.0)) == IN_FLIGHT
    outbox.settle(outbox.id, [(1, 2)])
    assert send_all(outbox, 0.1) == [IN_FLIGHT + 1, IN_FLIGHT + 2]


def test_the_oldest_says_how_long_it_has_waited() -> None:
    outbox = outbox_of(1, at_s=2.0)
    assert outbox.oldest_s(5.0) == 3.0
    send_all(outbox, 5.0)
    outbox.add("topic", b"", 6.0)
    assert outbox.oldest_s(7.0) == 5.0
    outbox.settle(outbox.id, [(1, 2)])
    assert outbox.oldest_s(8.0) == 0.0


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), max_size=8), st.integers(0, 40))
def test_what_no_receipt_names_is_kept_and_sent(spans: list[tuple[int, int]], count: int) -> None:
    outbox = outbox_of(count)
    send_all(outbox, 0.0)
    ranges = [(low, low + more) for low, more in spans]
    named = {seq for low, high in ranges for seq in range(low, high + 1)}
    done = [kept.seq for kept in outbox.settle(outbox.id, ranges)]
    assert sorted(done) == sorted(named & set(range(1, count + 1)))
    outbox.reconnected()
    assert send_all(outbox, 1.0) == [seq for seq in range(1, count + 1) if seq not in named]
