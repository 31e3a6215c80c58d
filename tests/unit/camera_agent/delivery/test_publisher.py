"""The publisher sends in order, again when due or reconnected, and settles only what receipts name."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from camera_agent.delivery import publisher as publisher_module
from camera_agent.delivery.outbox import Outbox
from camera_agent.delivery.publisher import Publisher
from fleet.messages import Event, Receipt
from tests.unit.camera_agent.fakes import ClockFake, LinkFake
from tests.unit.camera_agent.tracks import BEGIN, after, decision


class Desk:
    """A publisher with everything around it that a test wants to touch."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.link, self.announced = ClockFake(), LinkFake(), 0
        self.outbox = Outbox(folder / "outbox.db", BEGIN)
        self.publisher = Publisher("cam-front-1", self.outbox, self.link, self.announce, self.clock)

    def announce(self) -> None:
        self.announced += 1

    def decide(self, count: int = 1, stream: str = "main") -> None:
        self.outbox.append(stream, [decision() for _ in range(count)], BEGIN)

    def receive(self, *ranges: tuple[int, int], outbox: UUID | None = None, at: datetime = BEGIN) -> None:
        receipt = Receipt(ts=at, server_ts=at, outbox=outbox or self.outbox.id, committed=list(ranges))
        self.publisher.take_receipt(receipt.encode())

    def step(self) -> list[int]:
        """Let the publisher work; returns the numbers that it sent."""
        before = len(self.link.sent)
        self.publisher.step()
        return [Event.decode(payload).seq for _, payload, _, _ in self.link.sent[before:]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.outbox.close()


def test_events_go_out_in_order_on_their_streams_topic_with_qos_1(desk: Desk) -> None:
    desk.decide(2)
    desk.decide(1, stream="side")
    assert desk.step() == [1, 2, 3]
    topics = [(topic, qos, retain) for topic, _, qos, retain in desk.link.sent]
    assert topics[0] == ("fleet/v1/cam-front-1/up/stream/main/event", 1, False)
    assert topics[2] == ("fleet/v1/cam-front-1/up/stream/side/event", 1, False)


def test_what_was_sent_is_not_sent_again_at_once(desk: Desk) -> None:
    desk.decide()
    assert desk.step() == [1]
    assert desk.step() == []


def test_nothing_goes_out_without_a_connection(desk: Desk) -> None:
    desk.link.is_connected = False
    desk.decide()
    assert desk.step() == []
    desk.link.is_connected = True
    assert desk.step() == [1]


def test_what_has_no_receipt_goes_out_again_when_due_with_the_same_bytes(desk: Desk) -> None:
    desk.decide()
    desk.step()
    desk.clock.passed_s = 10
    assert desk.step() == [1]
    assert desk.link.sent[0] == desk.link.sent[1]
    desk.clock.passed_s = 29
    assert desk.step() == []
    desk.clock.passed_s = 30
    assert desk.step() == [1]


def test_a_reconnect_announces_and_sends_everything_again_at_once(desk: Desk) -> None:
    desk.decide(3)
    desk.step()
    desk.receive((1, 1))
    desk.publisher.reconnected()
    assert desk.step()[-2:] == [2, 3]
    assert desk.announced == 1


def test_a_receipt_deletes_and_stops_sending_again(desk: Desk) -> None:
    desk.decide(3)
    desk.step()
    desk.receive((1, 1), (3, 3))
    desk.step()
    assert [entry.seq for entry in desk.outbox.entries_after(0, 10)] == [2]
    desk.clock.passed_s = 10
    assert desk.step() == [2]


def test_a_receipt_for_another_outbox_is_ignored_and_counted(desk: Desk) -> None:
    desk.decide()
    desk.step()
    desk.receive((1, 1), outbox=uuid4())
    desk.step()
    assert (desk.publisher.foreign_receipts, desk.outbox.depth(BEGIN).rows) == (1, 1)


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff\xfe", b'{"v": 1, "committed": "all"}'])
def test_an_unreadable_receipt_is_counted_and_does_no_harm(desk: Desk, payload: bytes) -> None:
    desk.decide()
    desk.publisher.take_receipt(payload)
    assert desk.step() == [1]
    assert desk.publisher.malformed_receipts == 1


def test_at_most_a_window_of_events_is_under_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "IN_FLIGHT", 3)
    desk.decide(5)
    assert desk.step() == [1, 2, 3]
    assert desk.step() == []
    desk.receive((1, 2))
    assert desk.step() == [4, 5]


def test_a_row_that_was_dropped_meanwhile_is_not_waited_for(desk: Desk) -> None:
    desk.decide()
    desk.step()
    desk.outbox.settle(desk.outbox.id, [(1, 1)])
    desk.clock.passed_s = 10
    assert desk.step() == []
    assert len(desk.publisher.schedule) == 0


def test_a_full_disk_leaves_the_row_to_be_sent_and_settled_later(desk: Desk) -> None:
    desk.decide()
    desk.step()
    desk.outbox._db.execute("PRAGMA query_only = 1")
    desk.receive((1, 1))
    desk.step()
    desk.outbox._db.execute("PRAGMA query_only = 0")
    desk.clock.passed_s = 10
    assert desk.step() == [1]
    desk.receive((1, 1))
    desk.step()
    assert desk.outbox.depth(BEGIN).rows == 0


def test_the_clocks_offset_comes_from_the_receipt_with_the_least_delay(desk: Desk) -> None:
    assert desk.publisher.clock_offset.seconds is None
    for late_s in (-300, 2.5, 1.0):
        desk.receive((1, 1), at=after(late_s))
    desk.step()
    assert desk.publisher.clock_offset.seconds == 2.5


def test_old_offsets_are_forgotten(desk: Desk) -> None:
    for offset_s in [60] + [1] * 8:
        desk.receive((1, 1), at=after(offset_s))
    desk.step()
    assert desk.publisher.clock_offset.seconds == 1


def test_the_thread_sends_what_it_is_woken_for_and_stops_when_all_is_confirmed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    publisher = Publisher("cam-front-1", desk.outbox, desk.link, desk.announce)
    publisher.start()
    desk.decide()
    publisher.wake()
    desk.publisher = publisher
    desk.receive((1, 1))
    publisher.stop(5)
    assert desk.outbox.depth(BEGIN).rows == 0
    assert publisher._thread is not None
    assert not publisher._thread.is_alive()
    desk.outbox.close()
