"""The publisher sends in order, again when due or reconnected, and settles only what receipts name."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from camera_agent.delivery import lane
from camera_agent.delivery.outbox import Outbox
from camera_agent.delivery.publisher import Publisher
from fleet.messages import Backfill, Event, Receipt
from fleet.messages.backfill import MOST_BYTES
from tests.support.scale import count
from tests.unit.camera_agent.fakes import ClockFake, LinkFake
from tests.unit.camera_agent.tracks import BEGIN, after, decision

BACKFILL = "fleet/v1/cam-front-1/up/backfill"


class Desk:
    """A publisher with everything around it that a test wants to touch."""

    def __init__(self, folder: Path, *, rate: float = 10.0, waiting: int = 0) -> None:
        self.clock, self.link, self.announced = ClockFake(), LinkFake(), 0
        self.outbox = Outbox(folder / "outbox.db", BEGIN, seconds=self.clock.seconds)
        self.decide(waiting)
        self.publisher = Publisher("cam-front-1", self.outbox, self.link, self.announce, self.clock, backfill_rate=rate)

    def announce(self) -> None:
        self.announced += 1

    def decide(self, count: int = 1, stream: str = "main") -> None:
        self.outbox.append(stream, [decision() for _ in range(count)], BEGIN)

    def receive(self, *ranges: tuple[int, int], outbox: UUID | None = None, at: datetime = BEGIN) -> None:
        receipt = Receipt(ts=at, server_ts=at, outbox=outbox or self.outbox.id, committed=list(ranges))
        self.publisher.take_receipt(receipt.encode())

    def step(self) -> list[int]:
        """Let the publisher work; returns the numbers that it sent, in both lanes."""
        return [seq for seqs in self.step_by_message() for seq in seqs]

    def step_by_message(self) -> list[list[int]]:
        """Let the publisher work; returns the numbers in each message that it sent."""
        before = len(self.link.sent)
        self.publisher.step()
        return [numbers(topic, payload) for topic, payload, _, _ in self.link.sent[before:]]

    def reconnect(self) -> list[list[int]]:
        self.publisher.reconnected()
        return self.step_by_message()

    def pass_by(self, seconds: float) -> list[list[int]]:
        self.clock.passed_s += seconds
        return self.step_by_message()


def numbers(topic: str, payload: bytes) -> list[int]:
    if topic == BACKFILL:
        return [item.event.seq for item in Backfill.decode(payload).events]
    return [Event.decode(payload).seq]


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
    assert desk.reconnect() == [[2, 3]]
    assert desk.announced == 1


def test_a_receipt_deletes_and_stops_sending_again(desk: Desk) -> None:
    desk.decide(3)
    desk.step()
    desk.receive((1, 1), (3, 3))
    desk.step()
    assert [entry.seq for entry in desk.outbox.between(1, 10, 10)] == [2]
    desk.clock.passed_s = 10
    assert desk.step() == [2]


def test_a_receipt_for_another_outbox_is_ignored_and_counted(desk: Desk) -> None:
    desk.decide()
    desk.step()
    desk.receive((1, 1), outbox=uuid4())
    desk.step()
    assert (desk.publisher.foreign_receipts, desk.outbox.depth().rows) == (1, 1)


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff\xfe", b'{"v": 1, "committed": "all"}'])
def test_an_unreadable_receipt_is_counted_and_does_no_harm(desk: Desk, payload: bytes) -> None:
    desk.decide()
    desk.publisher.take_receipt(payload)
    assert desk.step() == [1]
    assert desk.publisher.malformed_receipts == 1


def test_what_does_not_fit_into_the_live_window_goes_late_and_what_comes_next_goes_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody confirms, for as long as you like: the newest event must not queue behind the others for ever."""
    monkeypatch.setattr(lane, "LIVE_WINDOW", 3)
    desk.decide(5)
    assert desk.step_by_message() == [[1], [2], [3], [4, 5]]
    desk.receive((1, 2))
    desk.decide(2)
    assert desk.step_by_message() == [[6], [7]]
    desk.decide(1)
    assert desk.step_by_message() == [[8]]


def test_a_row_that_was_dropped_meanwhile_is_not_waited_for(desk: Desk) -> None:
    desk.decide()
    desk.step()
    desk.outbox.settle(desk.outbox.id, [(1, 1)])
    desk.clock.passed_s = 10
    assert desk.step() == []
    assert len(desk.publisher.live.schedule) == 0


def query_only(desk: Desk, on: bool) -> None:
    assert desk.outbox._db is not None
    desk.outbox._db.execute(f"PRAGMA query_only = {int(on)}")


def test_a_full_disk_leaves_the_row_to_be_sent_and_settled_later(desk: Desk) -> None:
    desk.decide()
    desk.step()
    query_only(desk, True)
    desk.receive((1, 1))
    desk.step()
    query_only(desk, False)
    desk.clock.passed_s = 10
    assert desk.step() == [1]
    desk.receive((1, 1))
    desk.step()
    assert desk.outbox.depth().rows == 0


def test_after_an_outage_a_new_event_goes_at_once_and_alone_before_any_of_the_backlog(desk: Desk) -> None:
    desk.link.is_connected = False
    desk.decide(1000)
    desk.step()
    desk.link.is_connected = True
    assert desk.reconnect() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    for _ in range(20):
        desk.decide(1)
        [first, *_] = desk.pass_by(0.5)
        assert first == [desk.outbox.newest()]


def test_what_an_earlier_life_left_is_late_from_the_start(tmp_path: Path) -> None:
    desk = Desk(tmp_path, waiting=3)
    desk.decide(1)
    assert desk.step_by_message() == [[4], [1, 2, 3]]
    desk.outbox.close()


def test_a_backlog_drains_oldest_first_at_the_set_rate_and_only_as_far_as_receipts_come(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rate=10, waiting=1000)
    found = desk.reconnect()
    for _ in range(19):
        desk.receive((1, found[-1][-1]))
        found += desk.pass_by(0.5)
    # Ten seconds at this rate, and one batch more that may go at once.
    assert [seq for message in found for seq in message] == list(range(1, 106))
    assert {len(message) for message in found} == {5}
    for _ in range(10):
        desk.pass_by(0.5)
    assert len(desk.publisher.late.schedule) == desk.publisher.late.window
    desk.outbox.close()


def test_a_fast_backlog_goes_in_full_batches_below_the_size_of_a_message(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rate=2000)
    desk.outbox.append("main", [decision(points=32) for _ in range(600)], BEGIN)
    desk.reconnect()
    assert all(len(payload) <= MOST_BYTES for _, payload, _, _ in desk.link.sent)
    assert max(len(payload) for _, payload, _, _ in desk.link.sent) > MOST_BYTES * 0.9
    desk.outbox.close()


def test_a_batch_without_a_receipt_is_packed_anew_of_what_is_still_unconfirmed(desk: Desk) -> None:
    desk.decide(5)
    assert desk.reconnect() == [[1, 2, 3, 4, 5]]
    desk.receive((2, 4))
    assert desk.step() == []
    assert desk.pass_by(10) == [[1, 5]]
    desk.outbox.settle(desk.outbox.id, [(5, 5)])
    assert desk.pass_by(20) == [[1]]
    assert len(desk.publisher.late.schedule) == 1


def test_what_went_unanswered_twice_in_a_batch_goes_alone(desk: Desk) -> None:
    """A reader that knows no backfill, or a spoilt neighbour, must not keep an event for ever."""
    desk.decide(3)
    desk.reconnect()
    assert desk.pass_by(10) == [[1, 2, 3]]
    assert desk.pass_by(20) == [[1], [2], [3]]
    assert [topic for topic, *_ in desk.link.sent[-3:]] == ["fleet/v1/cam-front-1/up/stream/main/event"] * 3


def test_receipts_settle_both_lanes(desk: Desk) -> None:
    desk.decide(2)
    desk.reconnect()
    desk.decide(2)
    assert desk.step_by_message() == [[3], [4]]
    desk.receive((1, 1), (4, 4))
    desk.step()
    assert (len(desk.publisher.live.schedule), len(desk.publisher.late.schedule)) == (1, 1)
    assert sorted(desk.pass_by(10)) == [[2], [3]]


def test_a_new_outbox_after_damage_is_sent_from_its_beginning(desk: Desk) -> None:
    desk.decide(3)
    assert desk.step() == [1, 2, 3]
    before = desk.outbox.id
    desk.outbox._note_damage(sqlite3.DatabaseError("a bad page"))
    assert desk.outbox._db is not None
    desk.outbox._db.close()
    desk.outbox._db = None
    desk.decide(1)
    assert desk.outbox.id != before
    assert sorted(desk.pass_by(1)[0]) == [1, 2, 3, 4]


def test_a_clock_that_is_set_by_years_changes_neither_order_nor_rate_nor_when_things_are_said_again(
    desk: Desk,
) -> None:
    desk.outbox.append("main", [decision()], BEGIN.replace(year=2055))
    desk.outbox.append("main", [decision()], BEGIN.replace(year=1970))
    assert desk.step() == [1, 2]
    assert desk.pass_by(9.9) == []
    assert desk.pass_by(0.2) == [[1], [2]]
    assert desk.outbox.depth().oldest.total_seconds() == pytest.approx(10.1)


def test_a_backlog_of_a_night_is_not_held_in_memory(tmp_path: Path) -> None:
    waiting = count(100_000, 10_000, "rows in the backlog")
    desk = Desk(tmp_path, rate=2000)
    for _ in range(waiting // 1000):
        desk.decide(1000)
    desk.reconnect()
    seen, held = 0, 0
    while desk.outbox.depth().rows:
        [first, *_] = [seq for message in desk.pass_by(0.5) for seq in message] or [0]
        held = max(held, len(desk.publisher.late.schedule))
        seen = max(seen, first)
        desk.receive((1, desk.outbox.newest()) if seen == waiting else (1, max(seen, first, 1) + 2000))
    assert held <= desk.publisher.late.window
    desk.outbox.close()


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
    assert desk.outbox.depth().rows == 0
    assert publisher._thread is not None
    assert not publisher._thread.is_alive()
    desk.outbox.close()
