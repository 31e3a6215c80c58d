"""A follower delivers first and moves its cursor then; trouble makes it wait, 410 ends it until a person goes on."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dashboard.forwarder.condition import TargetCondition
from dashboard.forwarder.follower import LOOK_AGAIN_S, PAGE, POLL_S, Follower
from dashboard.forwarder.target import Delivery, Message, Trouble, Verdict
from dashboard.store.database import StoreUnavailable
from dashboard.store.forwarding import Cursor, Lag, NoSuchTarget, Page
from tests.support.camera_words import CAMERA, MOMENT


def row(seq: int) -> dict[str, Any]:
    """A stored event; what the forwarder does not look at is left empty."""
    return defaultdict(lambda: None, device_id=CAMERA, change_seq=seq)


@dataclass
class FakeStore:
    """Events numbered from 1 to `newest`, and one cursor."""

    newest: int
    cursor: Cursor | None = field(default_factory=lambda: Cursor("fake", 0, MOMENT, None))
    broken: bool = False

    def begin(self, name: str, now: datetime) -> None:
        self.cursor = Cursor(name, self.newest, now, None)

    def next_page(self, name: str, most: int) -> Page:
        if self.broken:
            raise StoreUnavailable("disk I/O error")
        if self.cursor is None:
            raise NoSuchTarget(name)
        first = self.cursor.change_seq + 1
        return Page(self.cursor, [row(seq) for seq in range(first, min(first + most, self.newest + 1))])

    def advance(self, cursor: Cursor, change_seq: int, now: datetime) -> bool:
        if self.cursor != cursor:
            return False
        self.cursor = replace(cursor, change_seq=change_seq)
        return True

    def stop(self, cursor: Cursor, reason: str, now: datetime) -> bool:
        if self.cursor != cursor:
            return False
        self.cursor = replace(cursor, error=reason)
        return True


@dataclass
class FakeTarget:
    """Takes everything unless told otherwise; `during` happens while it does."""

    answers: list[Delivery] = field(default_factory=list)
    got: list[int] = field(default_factory=list)
    during: Any = lambda: None
    most: int = 0
    name: str = "fake"
    address: str = "nowhere"

    def deliver(self, messages: Sequence[Message]) -> Delivery:
        self.during()
        self.most = max(self.most, len(messages))
        delivery = self.answers.pop(0) if self.answers else Delivery(len(messages))
        self.got += [message.change_seq for message in messages[: delivery.taken]]
        return delivery

    def close(self) -> None:
        """Nothing is open."""


def follower(store: FakeStore, target: FakeTarget) -> Follower:
    condition = TargetCondition("fake", "nowhere", since=MOMENT)
    return Follower(target, store, condition, threading.Event(), lambda: MOMENT)


def cursor_of(store: FakeStore) -> Cursor:
    assert store.cursor is not None
    return store.cursor


def test_pages_follow_at_once_until_everything_is_taken() -> None:
    store, target = FakeStore(PAGE + 2), FakeTarget()
    one = follower(store, target)
    assert [one.turn(), one.turn(), one.turn()] == [0.0, POLL_S, POLL_S]
    assert target.got == list(range(1, PAGE + 3))
    assert (cursor_of(store).change_seq, one.condition.delivered) == (PAGE + 2, PAGE + 2)
    assert target.most == PAGE, "memory is bounded by a page, however much waits"


def test_the_cursor_stands_before_the_first_message_that_was_not_taken() -> None:
    store = FakeStore(5)
    target = FakeTarget([Delivery(2, Trouble(Verdict.AWAY, "answers 500"))])
    one = follower(store, target)
    assert one.turn() == 1.0
    assert (cursor_of(store).change_seq, one.condition.state, one.condition.reason) == (2, "waiting", "answers 500")
    one.turn()
    assert (target.got, one.condition.state) == ([1, 2, 3, 4, 5], "ok")


def test_failures_in_a_row_wait_longer_and_success_forgets_them() -> None:
    trouble = Trouble(Verdict.AWAY, "answers 503")
    one = follower(FakeStore(1), FakeTarget([Delivery(0, trouble)] * 3 + [Delivery(1)]))
    assert [one.turn() for _ in range(3)] == [1.0, 2.0, 4.0]
    one.turn()
    assert (one.condition.failures, one.condition.state) == (3, "ok")


def test_a_target_that_wants_no_more_is_stopped_until_a_person_goes_on() -> None:
    store, target = FakeStore(4), FakeTarget([Delivery(1, Trouble(Verdict.GONE, "answers 410"))])
    one = follower(store, target)
    assert [one.turn(), one.turn()] == [LOOK_AGAIN_S, LOOK_AGAIN_S]
    assert (cursor_of(store), target.got) == (Cursor("fake", 1, MOMENT, "answers 410"), [1])
    assert one.condition.state == "stopped"
    store.cursor = replace(cursor_of(store), error=None)
    one.turn()
    assert (target.got, one.condition.state) == ([1, 2, 3, 4], "ok")


def test_a_cursor_that_a_person_moved_during_a_delivery_counts() -> None:
    store = FakeStore(3)

    def rewind() -> None:
        store.cursor = Cursor("fake", 1, MOMENT + timedelta(seconds=1), None)
        target.during = lambda: None

    target = FakeTarget(during=rewind)
    one = follower(store, target)
    one.turn()
    assert cursor_of(store).change_seq == 1
    one.turn()
    assert target.got == [1, 2, 3, 2, 3]


def test_a_target_without_a_cursor_begins_at_the_newest_change() -> None:
    store, target = FakeStore(7, cursor=None), FakeTarget()
    one = follower(store, target)
    assert [one.turn(), one.turn()] == [0.0, POLL_S]
    assert (cursor_of(store).change_seq, target.got) == (7, [])


def test_a_database_that_is_away_and_a_fault_inside_are_waited_for_and_named() -> None:
    store, target = FakeStore(1, broken=True), FakeTarget()
    one = follower(store, target)
    one._guarded_turn()
    assert one.condition.reason == "the database does not answer: disk I/O error"
    store.broken = False
    target.during = lambda: 1 / 0
    one._guarded_turn()
    assert "ZeroDivisionError" in (one.condition.reason or "")
    target.during = lambda: None
    one._guarded_turn()
    assert (target.got, one.condition.state) == ([1], "ok")


def test_a_condition_is_well_while_it_takes_events_and_is_not_far_behind() -> None:
    condition = TargetCondition("fake", "nowhere", since=MOMENT)
    near, far = Lag(2, MOMENT - timedelta(seconds=9)), Lag(2, MOMENT - timedelta(hours=1))
    assert condition.is_well(near, MOMENT)
    assert not condition.is_well(far, MOMENT)
    assert not condition.is_well(None, MOMENT)
    condition.troubled(Trouble(Verdict.REFUSED, "answers 401"), MOMENT + timedelta(seconds=3))
    assert not condition.is_well(near, MOMENT)
    said = condition.describe(near, MOMENT)
    assert said == {
        "address": "nowhere",
        "state": "refused",
        "reason": "answers 401",
        "since": "2026-11-21T08:00:03.000Z",
        "lag_events": 2,
        "lag_s": 9.0,
    }
