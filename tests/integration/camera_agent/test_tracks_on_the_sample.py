"""The shipping pipeline on the committed sample: about one track for each person who walks through it."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest

from camera_agent.capture.options import REPLAY, SourceOptions
from camera_agent.capture.source import Source
from camera_agent.capture.spec import source_from
from camera_agent.events import EventPolicy
from camera_agent.pipeline import StreamPipeline
from camera_agent.replay import replay
from camera_agent.tracking.tracker import ByteTracker
from camera_agent.vision.detectors import detector_for, load_default_model
from camera_agent.vision.types import Frame

ROOT = Path(__file__).resolve().parents[3]
CLIP = ROOT / "camera_agent" / "footage" / "vtest.mp4"
TRUTH = ROOT / "tests" / "data" / "vtest_foot_points.csv"
WIDTH, HEIGHT, FRAMES = 768, 576, 400
NEAR = 0.35
"""How far a track's foot point may be from the person's, in heights of the track's box."""
MOST_TRACKS_EACH = 2.5


@dataclass(frozen=True)
class Seen:
    track_id: int
    foot: tuple[float, float]
    height: float

    def distance(self, point: tuple[float, float]) -> float:
        return float(((self.foot[0] - point[0]) ** 2 + (self.foot[1] - point[1]) ** 2) ** 0.5 / self.height)


@dataclass
class Score:
    """Which tracks were on which person, and which were on nobody."""

    tracks_of: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    appearances: set[int] = field(default_factory=set)
    all_tracks: set[int] = field(default_factory=set)

    def __str__(self) -> str:
        per_person = ", ".join(f"{person}: {len(ids)}" for person, ids in sorted(self.tracks_of.items()))
        matched = set().union(*self.tracks_of.values())
        return (
            f"{len(self.all_tracks)} person tracks ({len(self.all_tracks - matched)} on nobody); "
            f"tracks per person {per_person}; appearances followed: {len(self.appearances)}"
        )


class First400:
    """The sample up to frame 400, as a source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.open, self.close = source.open, source.close

    def __getattr__(self, name: str) -> object:
        return getattr(self._source, name)

    def frames(self) -> Iterator[Frame]:
        return (frame for frame in self._source.frames() if frame.index < FRAMES)


@dataclass(frozen=True)
class Marked:
    frame: int
    person: int
    appearance: int
    foot: tuple[float, float]


def truth() -> list[Marked]:
    with TRUTH.open(newline="") as file:
        return [
            Marked(int(r["frame"]), int(r["person"]), int(r["appearance"]), (float(r["x"]), float(r["y"])))
            for r in csv.DictReader(file)
        ]


def tracks_by_frame(text: str) -> dict[int, list[Seen]]:
    frames: dict[int, list[Seen]] = defaultdict(list)
    for row in csv.reader(io.StringIO(text)):
        x, y, w, h = (float(value) for value in row[2:6])
        if row[7] == "person":
            frames[int(row[0])].append(Seen(int(row[1]), (x + w / 2, y + h), h))
    return frames


def score(frames: dict[int, list[Seen]], marked: Iterable[Marked]) -> Score:
    result = Score(all_tracks={seen.track_id for tracks in frames.values() for seen in tracks})
    by_frame: dict[int, list[Marked]] = defaultdict(list)
    for point in marked:
        by_frame[point.frame].append(point)
    for frame, points in by_frame.items():
        tracks = frames.get(frame) or frames.get(frame + 1, [])
        for point, seen in nearest_first(points, tracks):
            result.tracks_of[point.person].add(seen.track_id)
            result.appearances.add(point.appearance)
    return result


def nearest_first(points: list[Marked], tracks: list[Seen]) -> Iterator[tuple[Marked, Seen]]:
    """Each person with at most one track and the reverse."""
    pairs = [(seen.distance(point.foot), i, j) for i, point in enumerate(points) for j, seen in enumerate(tracks)]
    people, used = set(), set()
    for distance, i, j in sorted(pairs):
        if distance <= NEAR and i not in people and j not in used:
            people.add(i)
            used.add(j)
            yield points[i], tracks[j]


def run(options: SourceOptions) -> tuple[str, str]:
    pipeline = StreamPipeline(detector_for(load_default_model()), ByteTracker(), EventPolicy(lambda _: UUID(int=1)))
    tracks, events = io.StringIO(), io.StringIO()
    replay(First400(source_from(str(CLIP), options)), pipeline, tracks, events)
    return tracks.getvalue(), events.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("fps", [None, 5.0], ids=["every frame", "five frames a second"])
def test_people_keep_their_tracks(fps: float | None) -> None:
    options = REPLAY if fps is None else SourceOptions(fps=fps, loop=False, paced=False)
    marked = truth()
    people = {point.person for point in marked}
    appearances = {point.appearance for point in marked}
    result = score(tracks_by_frame(run(options)[0]), marked)
    print(result)
    assert len(result.all_tracks) <= MOST_TRACKS_EACH * len(people)
    assert sum(len(ids) for ids in result.tracks_of.values()) <= MOST_TRACKS_EACH * len(people)
    assert len(appearances - result.appearances) <= 1


def test_the_truth_covers_the_frames_it_says() -> None:
    assert sorted({point.frame for point in truth()}) == [*range(1, 400, 20), 400]
    assert {point.person for point in truth()} == set(range(1, 10))


def test_a_clip_is_played_with_its_own_numbers_size_and_rate() -> None:
    source = source_from(str(CLIP), REPLAY)
    source.open()
    frames = list(islice(source.frames(), 3))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert (source.width, source.height, source.fps) == (WIDTH, HEIGHT, 10.0)
    assert (frames[1].captured_at - frames[0].captured_at).total_seconds() == pytest.approx(0.1)
