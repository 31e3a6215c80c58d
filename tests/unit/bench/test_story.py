"""What simulated cameras decide is what agents could have decided."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bench.simfleet.story import MOST_PATH, Place, Story
from fleet.messages import Change, Event

MOMENT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
OUTBOX = UUID("00000000-0000-7000-8000-000000000001")


def told(count: int, seed: int = 1) -> list[Event]:
    story = Story(random.Random(seed))  # noqa: S311
    moments = (MOMENT + timedelta(seconds=number) for number in range(count))
    return [story.decide(Place(OUTBOX, seq, 7), moment) for seq, moment in enumerate(moments, start=1)]


def by_thing(events: list[Event]) -> list[list[Event]]:
    lives: dict[UUID, list[Event]] = defaultdict(list)
    for event in events:
        lives[event.event_id].append(event)
    return list(lives.values())


def test_a_thing_is_new_then_updated_then_ended_and_nothing_after() -> None:
    for life in by_thing(told(2_000)):
        assert [event.rev for event in life] == list(range(1, len(life) + 1))
        assert life[0].change is Change.NEW
        assert {event.change for event in life[1:-1]} <= {Change.UPDATE}
        assert all((event.ended_at is not None) is (event.change is Change.END) for event in life)


def test_messages_are_mostly_updates_and_all_kinds_come() -> None:
    changes = [event.change for event in told(2_000)]
    assert set(changes) == {Change.NEW, Change.UPDATE, Change.END}
    assert changes.count(Change.UPDATE) > len(changes) / 2


def test_what_is_told_stays_inside_the_frame_and_within_the_messages_limits() -> None:
    for event in told(2_000):
        x, y, width, height = event.box
        assert x + width <= 1.0001
        assert y + height <= 1.0001
        assert len(event.path) <= MOST_PATH
        assert Event.decode(event.encode()) == event


def test_numbers_of_the_outbox_and_the_session_are_as_given() -> None:
    assert [(event.seq, event.session, event.outbox) for event in told(3)] == [(n, 7, OUTBOX) for n in (1, 2, 3)]


def test_the_same_seed_tells_the_same_story() -> None:
    def without_ids(events: list[Event]) -> list[Event]:
        return [event.model_copy(update={"event_id": OUTBOX}) for event in events]

    assert without_ids(told(200, seed=3)) == without_ids(told(200, seed=3))
    assert without_ids(told(200, seed=3)) != without_ids(told(200, seed=4))


def test_waits_have_jitter_around_the_rate() -> None:
    story = Story(random.Random(1))  # noqa: S311
    waits = [story.wait_s(2.0) for _ in range(2_000)]
    assert min(waits) >= 0.25
    assert max(waits) <= 0.75
    assert sum(waits) / len(waits) == pytest.approx(0.5, rel=0.05)
