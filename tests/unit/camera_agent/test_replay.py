"""Replay writes what was seen on each frame as MOTChallenge text, and what was decided as JSON lines."""

import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from camera_agent.capture.source import SourceFailed
from camera_agent.events import EventPolicy
from camera_agent.pipeline import StreamPipeline
from camera_agent.replay import mot_lines, replay, replay_into
from camera_agent.tracking.tracker import ByteTracker
from camera_agent.vision.types import Box, Detection, Frame, Image, Track
from fleet.messages import Reason

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)


def frame(index: int) -> Frame:
    return Frame(index, BEGIN + timedelta(seconds=index / 10), np.zeros((100, 200, 3), np.uint8))


class Clip:
    kind, width, height, fps, dropped = "file", 200, 100, 10.0, 0

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def frames(self) -> Iterator[Frame]:
        return map(frame, range(self._frames))


class OnePerson:
    labels: Sequence[str] = ("person",)

    def detect(self, image: Image) -> list[Detection]:
        return [Detection("person", 0.9, Box(0.25, 0.5, 0.1, 0.2))]


def track(**changes: object) -> Track:
    values: dict[str, object] = {
        "track_id": 7,
        "label": "sports ball",
        "score": 0.51234,
        "box": Box(0.25, 0.5, 0.1, 0.2),
        "confirmed": True,
        "first_seen": BEGIN,
        "last_seen": BEGIN,
        "missed": 0,
    }
    return Track(**(values | changes))  # type: ignore[arg-type]


def run(frames: int) -> tuple[list[str], list[dict[str, object]], tuple[int, int, int]]:
    pipeline = StreamPipeline(OnePerson(), ByteTracker(), EventPolicy(lambda _: UUID(int=5)))
    tracks, events, clip = io.StringIO(), io.StringIO(), Clip(frames)
    figures = replay(clip, pipeline, tracks, events)
    assert not clip.is_open
    decided = [json.loads(line) for line in events.getvalue().splitlines()]
    return tracks.getvalue().splitlines(), decided, (figures.frames, figures.tracks, figures.events)


def test_a_line_is_frame_from_one_id_pixels_score_label() -> None:
    assert list(mot_lines(frame(0), [track()])) == ["1,7,50.0,50.0,20.0,20.0,0.512,sports ball\n"]


def test_what_is_unsure_or_unseen_is_not_written() -> None:
    assert list(mot_lines(frame(3), [track(confirmed=False), track(missed=1)])) == []


def test_tracks_and_events_are_written_and_counted() -> None:
    lines, events, figures = run(30)
    assert [int(line.split(",")[0]) for line in lines] == list(range(5, 31))
    assert [event["change"] for event in events] == ["new", "end"]
    assert [event["seq"] for event in events] == [1, 2]
    assert figures == (30, 1, 2)


def test_an_event_has_its_time_from_the_frames_number() -> None:
    _, events, _ = run(30)
    assert str(events[0]["frame_ts"]).startswith("2000-01-01T00:00:00.4")


def test_a_replay_gives_the_same_each_time() -> None:
    assert run(20) == run(20)


def test_an_empty_recording_gives_empty_files() -> None:
    assert run(0) == ([], [], (0, 0, 0))


class Absent(Clip):
    def open(self) -> None:
        raise SourceFailed(Reason.MISSING, "no such video file")


def test_files_are_not_touched_when_the_source_is_missing(tmp_path: Path) -> None:
    tracks, events = tmp_path / "tracks.txt", tmp_path / "events.jsonl"
    tracks.write_text("of yesterday")
    pipeline = StreamPipeline(OnePerson(), ByteTracker(), EventPolicy(lambda _: UUID(int=5)))
    with pytest.raises(SourceFailed):
        replay_into(Absent(3), pipeline, tracks, events)
    assert tracks.read_text() == "of yesterday"
    assert not events.exists()
    assert replay_into(Clip(10), pipeline, tracks, events).frames == 10
    assert len(tracks.read_text().splitlines()) == 6
