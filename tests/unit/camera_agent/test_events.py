"""The event policy: new once, update when it matters, end once."""

from collections.abc import Iterable
from datetime import datetime
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_agent.events import PATH_POINTS, Decision, EventPolicy
from camera_agent.vision.types import Box, Track
from fleet.messages import Change
from tests.unit.camera_agent.tracks import BEGIN, after, track


@pytest.fixture
def policy() -> EventPolicy:
    numbers = count(1)
    return EventPolicy(lambda _moment: UUID(int=next(numbers)))


def changes(decisions: Iterable[Decision]) -> list[tuple[int, str, int]]:
    return [(said.track_id, str(said.change), said.rev) for said in decisions]


def see(policy: EventPolicy, *tracks: Track, at: float, ended: Iterable[Track] = ()) -> list[Decision]:
    return policy.update(tracks, ended, after(at))


def test_a_confirmed_track_is_said_once(policy: EventPolicy) -> None:
    assert changes(see(policy, track(), at=0)) == [(1, "new", 1)]
    assert see(policy, track(at=0.2), at=0.2) == []
    assert see(policy, track(at=60), at=60) == []


def test_an_unconfirmed_track_is_not_said(policy: EventPolicy) -> None:
    assert see(policy, track(confirmed=False), at=0) == []


def test_a_track_that_only_coasts_is_not_said(policy: EventPolicy) -> None:
    assert see(policy, track(missed=1), at=0) == []
    see(policy, track(), at=1)
    assert see(policy, track(x=0.9, missed=3), at=9) == []


def test_moving_far_is_worth_an_update(policy: EventPolicy) -> None:
    see(policy, track(x=0.1), at=0)
    assert see(policy, track(x=0.17), at=3) == []
    assert changes(see(policy, track(x=0.19), at=4)) == [(1, "update", 2)]


def test_distance_counts_from_what_was_said_last(policy: EventPolicy) -> None:
    see(policy, track(x=0.1), at=0)
    see(policy, track(x=0.2), at=3)
    assert see(policy, track(x=0.22), at=6) == []
    assert changes(see(policy, track(x=0.3), at=9)) == [(1, "update", 3)]


def test_updates_of_one_thing_are_at_least_two_seconds_apart(policy: EventPolicy) -> None:
    see(policy, track(x=0.1), at=0)
    assert see(policy, track(x=0.5), at=1.9) == []
    assert changes(see(policy, track(x=0.5), at=2.0)) == [(1, "update", 2)]
    assert see(policy, track(x=0.9), at=3.9) == []


def test_a_clearly_better_score_is_worth_an_update(policy: EventPolicy) -> None:
    see(policy, track(score=0.5), at=0)
    assert see(policy, track(score=0.55), at=3) == []
    [said] = see(policy, track(score=0.65), at=4)
    assert (said.change, said.best_score) == (Change.UPDATE, 0.65)


def test_a_much_larger_view_with_a_better_score_is_worth_an_update(policy: EventPolicy) -> None:
    large = Box(0.45, 0.4, 0.2, 0.3)
    see(policy, track(score=0.5), at=0)
    [said] = see(policy, track(score=0.52, box=large), at=3)
    assert said.best_box == large


def test_a_worse_score_never_replaces_the_best_view(policy: EventPolicy) -> None:
    see(policy, track(x=0.1, score=0.9), at=0)
    [said] = see(policy, track(x=0.4, score=0.5), at=3)
    assert (said.score, said.best_score, said.best_box.x) == (0.5, 0.9, 0.1)


def test_another_label_is_worth_an_update(policy: EventPolicy) -> None:
    see(policy, track(), at=0)
    [said] = see(policy, track(label="dog"), at=3)
    assert said.label == "dog"


def test_the_end_is_said_once_with_the_time_it_was_last_seen(policy: EventPolicy) -> None:
    see(policy, track(), at=0)
    gone = track(at=5)
    see(policy, gone, at=5)
    [said] = see(policy, at=8, ended=[gone])
    assert (said.change, said.rev, said.ended_at, said.frame_ts) == (Change.END, 2, after(5), after(8))
    assert see(policy, at=9, ended=[gone]) == []


def test_the_end_of_what_was_never_said_is_not_said(policy: EventPolicy) -> None:
    assert see(policy, at=1, ended=[track()]) == []


def test_finishing_ends_everything_open_and_nothing_twice(policy: EventPolicy) -> None:
    see(policy, track(1), track(2), at=0)
    see(policy, at=1, ended=[track(1)])
    assert changes(policy.finish(after(2))) == [(2, "end", 2)]
    assert policy.finish(after(3)) == []


def test_the_end_rises_above_every_update(policy: EventPolicy) -> None:
    see(policy, track(x=0.1), at=0)
    see(policy, track(x=0.4), at=3)
    assert changes(policy.finish(after(4))) == [(1, "end", 3)]


def test_the_path_keeps_its_first_and_newest_point_and_stays_short(policy: EventPolicy) -> None:
    for step in range(90):
        see(policy, track(x=step / 100), at=step)
    [end] = policy.finish(after(90))
    assert len(end.path) <= PATH_POINTS
    assert end.path[0] == pytest.approx((0.05, 0.7))
    assert end.path[-1] == pytest.approx((0.94, 0.7))
    assert [x for x, _ in end.path] == sorted(x for x, _ in end.path)


def test_standing_still_adds_no_points(policy: EventPolicy) -> None:
    for step in range(50):
        see(policy, track(x=0.5 + 0.001 * (step % 2)), at=step)
    [end] = policy.finish(after(50))
    assert len(end.path) == 1


FRAMES = st.lists(st.lists(st.tuples(st.integers(1, 4), st.floats(0, 1), st.floats(0.3, 1)), max_size=4))


@given(frames=FRAMES)
def test_every_event_is_one_new_then_updates_then_one_end_with_rising_revs(
    frames: list[list[tuple[int, float, float]]],
) -> None:
    numbers = count(1)
    policy = EventPolicy(lambda _moment: UUID(int=next(numbers)))
    said: list[Decision] = []
    alive: dict[int, Track] = {}
    for step, seen in enumerate(frames):
        now = {number: track(number, x=x, score=score, at=step) for number, x, score in seen}
        ended = [alive[number] for number in alive if number not in now]
        said += policy.update(now.values(), ended, after(step))
        alive = now
    said += policy.finish(after(len(frames)))
    for event_id in {one.event_id for one in said}:
        life = [one for one in said if one.event_id == event_id]
        assert [one.rev for one in life] == list(range(1, len(life) + 1))
        inner = {one.change for one in life[1:-1]}
        assert (life[0].change, life[-1].change, inner - {Change.UPDATE}) == (Change.NEW, Change.END, set())


def test_the_same_frames_are_decided_the_same_way() -> None:
    def decide() -> list[Decision]:
        numbers = count(1)
        policy = EventPolicy(lambda moment: UUID(int=next(numbers) + int((moment - BEGIN).total_seconds())))
        return [one for step in range(20) for one in see(policy, track(x=step / 20), at=step)]

    assert decide() == decide()


def test_ids_are_made_for_the_time_of_the_frame() -> None:
    asked: list[datetime] = []
    policy = EventPolicy(lambda moment: asked.append(moment) or UUID(int=1))  # type: ignore[func-returns-value]
    see(policy, track(), at=7)
    assert asked == [after(7)]
