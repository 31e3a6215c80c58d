"""Make a stream's worker and its pipeline from its settings: what ships, in replays too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from camera_agent.capture.options import SourceOptions
from camera_agent.capture.source import Source
from camera_agent.capture.spec import source_from
from camera_agent.events import EventPolicy
from camera_agent.pipeline import StreamPipeline
from camera_agent.settings import StreamSettings
from camera_agent.streams.status import StatusBoard
from camera_agent.streams.worker import Keep, StreamWorker
from camera_agent.tracking.tracker import ByteTracker, TrackerSettings
from camera_agent.vision.detectors import detector_for
from camera_agent.vision.model import Model
from fleet.identifiers import uuid7
from fleet.messages import StreamInfo

NewEventId = Callable[[datetime], UUID]


def event_id(moment: datetime) -> UUID:
    """Return an id that sorts by the time of the frame."""
    return uuid7(int(moment.timestamp() * 1000))


def new_source(wanted: StreamSettings) -> Source:
    """Return the stream's source, not opened yet; raises SourceUnknown."""
    return source_from(wanted.source, SourceOptions(fps=wanted.fps, crop=wanted.crop, loop=wanted.loop))


def pipeline_maker(
    model: Model, wanted: StreamSettings, new_event_id: NewEventId = event_id
) -> Callable[[], StreamPipeline]:
    """Return what makes pipelines that remember nothing yet, around one detector; raises LabelUnknown."""
    detector = detector_for(model, wanted.labels)
    tracking = TrackerSettings(score=wanted.threshold)
    return lambda: StreamPipeline(detector, ByteTracker(tracking), EventPolicy(new_event_id))


def worker_for(name: str, wanted: StreamSettings, model: Model, keep: Keep, board: StatusBoard) -> StreamWorker:
    """Return a worker that was not started yet, its stream on the board; raises LabelUnknown."""
    worker = StreamWorker(name, partial(new_source, wanted), pipeline_maker(model, wanted), keep, board)
    kind = wanted.source.partition(":")[0]
    board.enter(StreamInfo(name=name, kind=kind, fps=wanted.fps), worker.clock.now())
    return worker
