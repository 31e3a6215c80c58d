"""Which rows go at once and which wait; how fast the waiting ones may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_agent.delivery.lanes import MOST_SPANS, Lanes
from camera_agent.delivery.pace import Pace
from fleet.messages.backfill import MOST_EVENTS


def waiting(lanes: Lanes) -> list[int]:
    return [seq for low, high in lanes.waiting for seq in range(low, high + 1)]


def test_with_a_connection_all_that_is_there_waits() -> None:
    lanes = Lanes()
    lanes.restart(3)
    assert (lanes.live_through, waiting(lanes)) == (3, [1, 2, 3])
    lanes.restart(0)
    assert (lanes.live_through, waiting(lanes)) == (0, [])


def test_what_went_live_does_not_wait_and_what_could_not_does() -> None:
    lanes = Lanes()
    lanes.restart(2)
    lanes.went_live(3)
    lanes.put_off(5)
    lanes.put_off(5)
    lanes.put_off(6)
    assert (waiting(lanes), len(lanes.waiting)) == ([1, 2, 4, 5, 6], 2)


def test_the_late_lane_works_off_the_oldest_first() -> None:
    lanes = Lanes()
    lanes.restart(2)
    lanes.went_live(3)
    lanes.put_off(5)
    lanes.went_late(1)
    assert waiting(lanes) == [2, 4, 5]
    lanes.went_late(2)
    assert waiting(lanes) == [4, 5]


STEPS = st.lists(st.sampled_from(["decide", "live", "off", "late", "again"]), max_size=60)


@given(STEPS)
def test_every_row_is_in_exactly_one_lane(steps: list[str]) -> None:
    lanes, newest, live, late = Lanes(), 0, set[int](), set[int]()
    for step in steps:
        if step == "decide":
            newest += 1
        elif step == "live" and newest > lanes.live_through:
            live.add(lanes.live_through + 1)
            lanes.went_live(lanes.live_through + 1)
        elif step == "off":
            lanes.put_off(newest)
        elif step == "late" and lanes.waiting:
            late.add(lanes.waiting[0][0])
            lanes.went_late(lanes.waiting[0][0])
        elif step == "again":
            lanes.restart(newest)
            live, late = set(), set()
    parts = [live, late, set(waiting(lanes)), set(range(lanes.live_through + 1, newest + 1))]
    assert sorted(seq for part in parts for seq in part) == list(range(1, newest + 1))


def test_a_window_that_fills_and_empties_for_ever_costs_no_memory_and_no_row() -> None:
    lanes, live = Lanes(), set[int]()
    for seq in range(1, 1001):
        if seq % 2:
            lanes.went_live(seq)
            live.add(seq)
        else:
            lanes.put_off(seq)
    assert len(lanes.waiting) <= MOST_SPANS
    assert live | set(waiting(lanes)) == set(range(1, 1001))


@pytest.mark.parametrize("rate", [1.0, 7.0, 200.0, 2000.0])
def test_what_is_taken_keeps_to_the_rate_and_comes_in_batches(rate: float) -> None:
    pace, taken, now_s = Pace(rate), 0, 0.0
    while now_s < 60:
        while pace.allows(now_s):
            taken += pace.batch
            pace.took(pace.batch)
        now_s += max(0.001, pace.next_s(now_s))
    assert taken == pytest.approx(60 * rate, abs=2 * pace.batch)
    assert 1 <= pace.batch <= MOST_EVENTS


def test_a_night_without_events_saves_up_no_flood() -> None:
    pace = Pace(100)
    pace.allows(0)
    pace.allows(36_000)
    assert pace.next_s(36_000) == 0
    taken = 0
    while pace.allows(36_000):
        pace.took(pace.batch)
        taken += pace.batch
    assert taken == 2 * pace.batch


def test_a_batch_that_was_smaller_leaves_the_rest_of_the_rate() -> None:
    pace = Pace(100)
    pace.allows(0)
    pace.took(1)
    assert pace.allows(0) == pace.batch
