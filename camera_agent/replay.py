"""Run the shipping pipeline over a recording as fast as it goes, and write down all that it saw and decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from uuid import UUID

from camera_agent.capture.source import Source
from camera_agent.delivery.entry import Place, event_of
from camera_agent.events import Decision
from camera_agent.pipeline import StreamPipeline
from camera_agent.vision.types import Frame, Track

NO_OUTBOX = UUID(int=0)


@dataclass
class ReplayFigures:
    frames: int = 0
    tracks: int = 0
    events: int = 0


def replay(source: Source, pipeline: StreamPipeline, tracks_file: TextIO, events_file: TextIO) -> ReplayFigures:
    """Replay an unpaced source to its end; raises SourceFailed, and OSError when a file cannot be written.

    Times are made from the frames' numbers, so the same recording gives the same tracks and events
    each time; only the events' ids differ.
    """
    figures = ReplayFigures()
    track_ids: set[int] = set()
    source.open()
    try:
        for frame in source.frames():
            processed = pipeline.process(frame)
            tracks_file.writelines(mot_lines(frame, processed.tracks))
            track_ids.update(track.track_id for track in shown(processed.tracks))
            figures.frames += 1
            figures.events += _write_events(processed.events, figures.events, events_file)
    finally:
        source.close()
    figures.events += _write_events(pipeline.finish(), figures.events, events_file)
    figures.tracks = len(track_ids)
    return figures


def replay_into(source: Source, pipeline: StreamPipeline, tracks: Path, events: Path) -> ReplayFigures:
    """Replay into files, which are written over only once the source has been opened."""
    source.open()
    with tracks.open("w", encoding="utf-8") as tracks_file, events.open("w", encoding="utf-8") as events_file:
        return replay(source, pipeline, tracks_file, events_file)


def shown(tracks: Iterable[Track]) -> Iterator[Track]:
    """The tracks that are sure and seen on this frame."""
    return (track for track in tracks if track.confirmed and track.missed == 0)


def mot_lines(frame: Frame, tracks: Iterable[Track]) -> Iterator[str]:
    """MOTChallenge text: frame from 1, id, x, y, w, h in pixels, score, label."""
    height, width = frame.image.shape[:2]
    for track in shown(tracks):
        box = track.box
        pixels = (box.x * width, box.y * height, box.w * width, box.h * height)
        corners = ",".join(f"{value:.1f}" for value in pixels)
        yield f"{frame.index + 1},{track.track_id},{corners},{track.score:.3f},{track.label}\n"


def _write_events(decisions: list[Decision], before: int, events_file: TextIO) -> int:
    """In the form in which they would be published; `seq` counts from 1 in a replay of no outbox."""
    for seq, decision in enumerate(decisions, before + 1):
        place = Place(outbox=NO_OUTBOX, seq=seq, session=0, ts=decision.frame_ts)
        events_file.write(event_of(decision)(place).encode().decode() + "\n")
    return len(decisions)
