"""The use case of one stream: a frame goes in, its tracks and the events that it decided come out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from camera_agent.events import Decision, EventPolicy
from camera_agent.vision.types import Detector, Frame, Track, Tracker

SET_BACK = timedelta(seconds=5)
"""Less is the drift that time servers take out of a clock."""


@dataclass(frozen=True, slots=True)
class Processed:
    """What one frame led to."""

    tracks: list[Track]
    events: list[Decision]


@dataclass
class StreamPipeline:
    """Detector, tracker and event policy in a row; time comes with the frames, so a replay decides the same."""

    detector: Detector
    tracker: Tracker
    policy: EventPolicy
    _last_frame_at: datetime | None = None
    _aspect: float | None = None

    def was_set_back(self, frame: Frame) -> bool:
        """Say whether the clock was set back before this frame: a pipeline counts by one clock only."""
        return self._last_frame_at is not None and frame.captured_at < self._last_frame_at - SET_BACK

    def process(self, frame: Frame) -> Processed:
        """Handle the next frame; a frame from before the last one is taken as captured with it."""
        now = self._forwards(frame.captured_at)
        height, width = frame.image.shape[:2]
        self._aspect = round(width / height, 4)
        tracks = self.tracker.update(self.detector.detect(frame.image), now)
        return Processed(tracks, self._in_shape(self.policy.update(tracks, self.tracker.ended, now)))

    def finish(self) -> list[Decision]:
        """End every open event, as of the last frame: no more frames will come."""
        return self._in_shape(self.policy.finish(self._last_frame_at)) if self._last_frame_at else []

    def _in_shape(self, decisions: list[Decision]) -> list[Decision]:
        return [replace(decision, aspect=self._aspect) for decision in decisions]

    def _forwards(self, captured_at: datetime) -> datetime:
        # A clock that is set back a little must not make things younger than they were.
        self._last_frame_at = max(self._last_frame_at or captured_at, captured_at)
        return self._last_frame_at
