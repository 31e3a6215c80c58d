"""Tracks keep their ids through gaps and crossings, end when they should, and never mix labels."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_agent.tracking.association import grown, overlap, pair_best_first
from camera_agent.tracking.motion import Motion
from camera_agent.tracking.tracker import ByteTracker, TrackerSettings
from camera_agent.vision.types import Box, Detection, Track

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RATES = pytest.mark.parametrize("fps", [5, 10, 25])


def moment(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def person(x: float, y: float = 0.5, score: float = 0.8, label: str = "person") -> Detection:
    return Detection(label, score, Box(x, y, 0.05, 0.15))


def walk(tracker: ByteTracker, fps: int, seconds: tuple[float, float], *people: Detection) -> list[Track]:
    """Everybody stands still for a while; returns the tracks after it."""
    tracks: list[Track] = []
    for step in range(round(seconds[0] * fps), round(seconds[1] * fps)):
        tracks = tracker.update(people, moment(step / fps))
    return tracks


def ids(tracks: list[Track]) -> set[int]:
    return {track.track_id for track in tracks if track.confirmed}


@RATES
def test_somebody_is_confirmed_within_half_a_second_at_any_rate(fps: int) -> None:
    tracker = ByteTracker()
    first = tracker.update([person(0.5)], moment(0))
    assert [track.confirmed for track in first] == [False]
    assert ids(walk(tracker, fps, (1 / fps, 0.7), person(0.5))) == {1}


def test_a_flash_is_never_confirmed_and_never_reported_as_ended() -> None:
    tracker = ByteTracker()
    tracker.update([person(0.5)], moment(0))
    for step in range(1, 20):
        assert ids(tracker.update([], moment(step / 10))) == set()
        assert tracker.ended == []
    assert tracker.update([], moment(2)) == []


@RATES
def test_a_walker_keeps_the_id_through_a_second_behind_a_post(fps: int) -> None:
    tracker = ByteTracker()
    seen: set[int] = set()
    for step in range(4 * fps):
        at = step / fps
        hidden = 1.5 <= at < 2.5
        seen |= ids(tracker.update([] if hidden else [person(0.1 + 0.15 * at)], moment(at)))
    assert seen == {1}


@RATES
def test_two_who_pass_each_other_do_not_swap(fps: int) -> None:
    tracker = ByteTracker()
    first = second = set[int]()
    for step in range(4 * fps):
        at = step / fps
        tracks = tracker.update([person(0.2 + 0.1 * at, 0.50), person(0.6 - 0.1 * at, 0.60)], moment(at))
        upper = {t.track_id for t in tracks if t.confirmed and t.box.y < 0.55}
        lower = {t.track_id for t in tracks if t.confirmed and t.box.y >= 0.55}
        first, second = first | upper, second | lower
    assert len(first) == len(second) == 1
    assert first != second


def test_while_hidden_the_track_coasts_and_counts_the_frames_missed() -> None:
    tracker = ByteTracker()
    for step in range(10):
        tracker.update([person(0.2 + 0.01 * step)], moment(step / 10))
    before = tracker.update([person(0.3)], moment(1.0))[0]
    after = tracker.update([], moment(1.2))[0]
    assert (before.missed, after.missed) == (0, 1)
    assert after.last_seen == before.last_seen == moment(1.0)
    assert after.box.x > before.box.x


def test_a_track_ends_once_when_patience_is_over() -> None:
    tracker = ByteTracker(TrackerSettings(patience=timedelta(seconds=1)))
    walk(tracker, 10, (0, 1), person(0.5))
    ended = []
    for step in range(10, 40):
        tracker.update([], moment(step / 10))
        ended += tracker.ended
    assert [(track.track_id, track.last_seen) for track in ended] == [(1, moment(0.9))]


def test_who_walks_out_of_the_frame_ends_before_patience_is_over() -> None:
    tracker = ByteTracker()
    for step in range(10):
        tracker.update([person(0.85 + 0.012 * step)], moment(step / 10))
    ended = []
    for step in range(10, 20):
        tracker.update([], moment(step / 10))
        ended += tracker.ended
    assert len(ended) == 1


def test_a_doubtful_sight_continues_a_track_but_starts_none() -> None:
    tracker = ByteTracker()
    assert walk(tracker, 10, (0, 2), person(0.2, score=0.3)) == []
    walk(tracker, 10, (2, 3), person(0.5))
    tracks = walk(tracker, 10, (3, 8), person(0.5, score=0.3))
    assert [track.missed for track in tracks] == [0]
    assert ids(tracks) == {1}


def test_a_higher_threshold_asks_for_clearer_sights() -> None:
    tracker = ByteTracker(TrackerSettings(score=0.7))
    assert walk(tracker, 10, (0, 1), person(0.5, score=0.75)) == []
    assert len(walk(tracker, 10, (1, 2), person(0.5, score=0.85))) == 1
    assert TrackerSettings(score=0.99).start_score < 1


def test_a_second_box_on_the_same_person_starts_no_second_track() -> None:
    tracker = ByteTracker()
    walk(tracker, 10, (0, 1), person(0.5))
    assert len(walk(tracker, 10, (1, 2), person(0.5), person(0.515))) == 1


def test_labels_never_continue_one_another() -> None:
    tracker = ByteTracker()
    walk(tracker, 10, (0, 1), person(0.5))
    tracks = walk(tracker, 10, (1, 2), person(0.5, label="dog"))
    assert {(track.track_id, track.label) for track in tracks} == {(1, "person"), (2, "dog")}


def test_frames_of_one_instant_or_a_long_pause_do_no_harm() -> None:
    tracker = ByteTracker()
    walk(tracker, 10, (0, 1), person(0.5))
    tracker.update([person(0.5)], moment(0.9))
    assert tracker.update([], moment(86_400)) == []
    assert [track.track_id for track in tracker.ended] == [1]


detections = st.builds(
    Detection,
    label=st.sampled_from(["person", "car"]),
    score=st.floats(0, 1),
    box=st.builds(Box, st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 0.5), st.floats(0.01, 0.5)),
)
steps = st.lists(st.tuples(st.floats(0, 2), st.lists(detections, max_size=5)), max_size=30)


@settings(max_examples=150)
@given(steps)
def test_whatever_is_seen_ids_are_unique_boxes_in_frame_and_ends_final(
    seen: list[tuple[float, list[Detection]]],
) -> None:
    tracker, now, over = ByteTracker(), BEGIN, set[int]()
    known: dict[int, str] = {}
    for seconds, found in seen:
        now += timedelta(seconds=seconds)
        tracks = tracker.update(found, now)
        alive = [track.track_id for track in tracks]
        over |= {track.track_id for track in tracker.ended}
        assert len(alive) == len(set(alive))
        assert not over & set(alive)
        for track in tracks:
            assert known.setdefault(track.track_id, track.label) == track.label
            assert track.first_seen <= track.last_seen <= now
            assert 0 <= track.box.x <= track.box.x + track.box.w <= 1 + 1e-9
            assert 0 <= track.box.y <= track.box.y + track.box.h <= 1 + 1e-9
        assert all(track.confirmed for track in tracker.ended)


@given(steps)
def test_the_same_sights_give_the_same_tracks(seen: list[tuple[float, list[Detection]]]) -> None:
    def run() -> list[list[Track]]:
        tracker, now = ByteTracker(), BEGIN
        return [tracker.update(found, now := now + timedelta(seconds=seconds)) for seconds, found in seen]

    assert run() == run()


@RATES
def test_motion_learns_the_speed_of_a_steady_walker(fps: int) -> None:
    motion = Motion.starting_at(Box(0.1, 0.5, 0.05, 0.15))
    for step in range(1, 3 * fps + 1):
        motion.predict(1 / fps)
        motion.correct(Box(0.1 + 0.1 * step / fps, 0.5, 0.05, 0.15), trust=0.8)
    assert motion.x_speed == pytest.approx(0.1, rel=0.1)
    assert motion.y_speed == pytest.approx(0, abs=0.01)


def test_a_trusted_box_pulls_more_than_a_doubtful_one() -> None:
    moved = []
    for trust in (0.2, 0.9):
        motion = Motion.starting_at(Box(0.5, 0.5, 0.1, 0.1))
        motion.predict(0.1)
        motion.correct(Box(0.6, 0.5, 0.1, 0.1), trust)
        moved.append(motion.box.x)
    assert 0.5 < moved[0] < moved[1] < 0.6


def test_the_most_alike_pair_first_and_each_once() -> None:
    likeness = [[0.9, 0.8], [0.85, 0.1]]
    assert list(pair_best_first(likeness, 0.2)) == [(0, 0)]
    assert list(pair_best_first(likeness, 0.1)) == [(0, 0), (1, 1)]
    assert list(pair_best_first([], 0.1)) == []


def test_a_margin_lets_boxes_meet_that_do_not_touch() -> None:
    one, other = Box(0.1, 0.1, 0.1, 0.1), Box(0.22, 0.1, 0.1, 0.1)
    assert overlap(one, other) == 0
    assert overlap(grown(one, 0.2), grown(other, 0.2)) > 0
    assert overlap(one, one) == pytest.approx(1)
