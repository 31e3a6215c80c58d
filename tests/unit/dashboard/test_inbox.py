"""The queue between network and writer is bounded, in order, and never waits to fill a batch."""

import threading

from dashboard.ingest.inbox import Inbox, LinkChange
from fleet.mqtt import Received
from tests.support.waiting import wait_until


def message(number: int, *, qos: int = 1, size: int = 10) -> Received:
    return Received("topic", b"x" * size, qos, False, number, 1)


def test_everything_that_is_there_is_taken_at_once_and_in_order() -> None:
    inbox = Inbox()
    items = [message(1), LinkChange(is_up=False), message(2)]
    for item in items:
        inbox.put(item)
    assert inbox.gather(0, 500) == items
    assert inbox.gather(0, 500) == []


def test_a_batch_has_a_limit() -> None:
    inbox = Inbox()
    for number in range(7):
        inbox.put(message(number))
    assert [len(inbox.gather(0, 3)) for _ in range(3)] == [3, 3, 1]


def test_a_full_inbox_stops_the_reader_until_something_was_taken() -> None:
    inbox = Inbox(most_messages=2)
    added: list[int] = []

    def read_socket() -> None:
        for number in range(4):
            inbox.put(message(number))
            added.append(number)

    reader = threading.Thread(target=read_socket, daemon=True)
    reader.start()
    wait_until(lambda: len(added) == 2, 5, "the inbox is full")
    assert len(inbox.gather(1, 10)) == 2
    wait_until(lambda: len(added) == 4, 5, "the reader goes on")


def test_bytes_count_as_well_as_messages() -> None:
    inbox = Inbox(most_bytes=100)
    inbox.put(message(1, size=100))
    inbox.put(message(2, qos=0))
    assert inbox.dropped == 1


def test_large_messages_make_small_batches() -> None:
    """A backfill holds as many events as two hundred messages: the others must not wait for a thousand of them."""
    inbox = Inbox()
    for number in range(20):
        inbox.put(message(number, size=100 * 1024))
    assert [len(inbox.gather(0, 1_000)) for _ in range(3)] == [11, 9, 0]


def test_what_the_broker_does_not_keep_is_dropped_when_there_is_no_room() -> None:
    inbox = Inbox(most_messages=1)
    inbox.put(message(1))
    inbox.put(message(2, qos=0))
    assert (inbox.dropped, len(inbox)) == (1, 1)


def test_closing_lets_a_waiting_reader_go() -> None:
    inbox = Inbox(most_messages=1)
    inbox.put(message(1))
    reader = threading.Thread(target=inbox.put, args=(message(2),), daemon=True)
    reader.start()
    inbox.close()
    reader.join(5)
    assert not reader.is_alive()
    assert len(inbox) == 1


def test_many_at_once_are_taken_without_waiting_and_room_is_asked_for_before() -> None:
    inbox = Inbox(most_messages=2)
    assert inbox.has_room()
    inbox.put_all([message(1), message(2), message(3)])
    assert not inbox.has_room()
    inbox.put_all([message(4), message(5, qos=0)])
    assert inbox.dropped == 1
    assert inbox.gather(0, 10) == [message(number) for number in (1, 2, 3, 4)]
    assert inbox.has_room()


def test_whoever_asks_a_closed_inbox_for_room_is_let_go() -> None:
    inbox = Inbox(most_messages=1)
    inbox.put_all([message(1)])
    inbox.close()
    assert inbox.has_room()
    inbox.put_all([message(2)])
    assert inbox.gather(0, 10) == [message(1)]


def test_fewer_than_what_is_worth_it_wait_until_they_are_enough_or_somebody_wakes_us() -> None:
    inbox = Inbox()
    inbox.put(message(1))
    gathered: list[int] = []
    reader = threading.Thread(target=lambda: gathered.append(len(inbox.gather(30, 10, least=3))), daemon=True)
    reader.start()
    inbox.put(message(2))
    inbox.put(message(3))
    reader.join(5)
    assert gathered == [3]
    inbox.put(message(4))
    inbox.wake()
    assert len(inbox.gather(30, 10, least=3)) == 1
