"""The use case of one stream: a frame goes in, its tracks and the events that it decided come out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from camera_agent.events import Decision, EventPolicy
from camera_agent.vision.types import Detector, Frame, Track, Tracker


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
        # A clock that is set back must not make things younger than they were.
        self._last_frame_at = max(self._last_frame_at or captured_at, captured_at)
        return self._last_frame_at
