"""Follow things through the frames in the manner of ByteTrack: confident detections first, doubtful ones after.

A doubtful detection (somebody half hidden) may continue a track but never starts one. A track that
is not seen coasts along its course until it is seen again, leaves the frame, or patience ends. All
times are times, not counts of frames, so the same settings serve 5 and 30 frames a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from camera_agent.tracking.association import grown, overlap, pair_best_first
from camera_agent.tracking.motion import Motion
from camera_agent.vision.types import Box, Detection, Track


@dataclass(frozen=True)
class TrackerSettings:
    score: float = 0.4
    """Detections from here on are confident: they may continue a track from some distance."""
    start_margin: float = 0.1
    """How much more than confident a detection must be to start a track."""
    doubtful_score: float = 0.2
    confirm_hits: int = 3
    confirm_after: timedelta = timedelta(seconds=0.4)
    patience: timedelta = timedelta(seconds=3)
    """How long a confirmed track may be unseen."""
    early_patience: timedelta = timedelta(seconds=0.5)
    """The same for a track that is not confirmed."""
    likeness: float = 0.2
    """Least overlap, both boxes grown by a margin, of a confident detection with its track."""
    doubtful_likeness: float = 0.4
    margin: float = 0.2
    margin_per_second: float = 0.2
    largest_margin: float = 0.6
    same_thing: float = 0.3
    """A detection that overlaps a track seen on this frame by more starts no track of its own."""

    @property
    def start_score(self) -> float:
        return min(self.score + self.start_margin, (1 + self.score) / 2)


@dataclass(eq=False)
class _Followed:
    track_id: int
    label: str
    score: float
    motion: Motion
    first_seen: datetime
    last_seen: datetime
    hits: int = 1
    missed: int = 0
    confirmed: bool = False

    def as_track(self) -> Track:
        return Track(
            track_id=self.track_id,
            label=self.label,
            score=self.score,
            box=within_frame(self.motion.box),
            confirmed=self.confirmed,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            missed=self.missed,
        )


@dataclass
class ByteTracker:
    """One per stream. Tracks are per label: a person never continues a car."""

    settings: TrackerSettings = field(default_factory=TrackerSettings)
    ended: list[Track] = field(default_factory=list)
    _followed: list[_Followed] = field(default_factory=list)
    _next_id: int = 1
    _last_update: datetime | None = None

    def update(self, detections: Sequence[Detection], now: datetime) -> list[Track]:
        self._move_on(now)
        confident = [d for d in detections if d.score >= self.settings.score]
        doubtful = [d for d in detections if self.settings.doubtful_score <= d.score < self.settings.score]
        unexplained = self._continue_confidently(confident, now)
        self._continue_doubtfully(doubtful, now)
        self._start_tracks(unexplained, now)
        self._give_up(now)
        return [followed.as_track() for followed in self._followed]

    def _move_on(self, now: datetime) -> None:
        seconds = (now - self._last_update).total_seconds() if self._last_update else 0.0
        self._last_update = now
        for followed in self._followed:
            followed.motion.predict(max(seconds, 0.0))
            followed.missed += 1

    def _continue_confidently(self, detections: list[Detection], now: datetime) -> list[Detection]:
        """Returns the detections that no track explains."""
        likeness = [[self._likeness(f, d, now) for d in detections] for f in self._followed]
        taken = set()
        for row, column in pair_best_first(likeness, self.settings.likeness):
            self._see(self._followed[row], detections[column], now)
            taken.add(column)
        return [detection for column, detection in enumerate(detections) if column not in taken]

    def _continue_doubtfully(self, detections: list[Detection], now: datetime) -> None:
        unseen = [f for f in self._followed if f.missed]
        likeness = [
            [overlap(f.motion.box, d.box) if f.label == d.label else 0.0 for d in detections] for f in unseen
        ]
        for row, column in pair_best_first(likeness, self.settings.doubtful_likeness):
            self._see(unseen[row], detections[column], now)

    def _likeness(self, followed: _Followed, detection: Detection, now: datetime) -> float:
        if followed.label != detection.label:
            return 0.0
        unseen_s = (now - followed.last_seen).total_seconds()
        margin = min(
            self.settings.margin + self.settings.margin_per_second * unseen_s, self.settings.largest_margin
        )
        return overlap(grown(followed.motion.box, margin), grown(detection.box, margin))

    def _see(self, followed: _Followed, detection: Detection, now: datetime) -> None:
        followed.motion.correct(detection.box, trust=detection.score)
        followed.score = detection.score
        followed.last_seen = now
        followed.hits += 1
        followed.missed = 0
        followed.confirmed |= (
            followed.hits >= self.settings.confirm_hits
            and now - followed.first_seen >= self.settings.confirm_after
        )

    def _start_tracks(self, detections: list[Detection], now: datetime) -> None:
        for detection in detections:
            if detection.score >= self.settings.start_score and not self._is_seen_already(detection):
                motion = Motion.starting_at(detection.box)
                self._followed.append(
                    _Followed(self._next_id, detection.label, detection.score, motion, now, now)
                )
                self._next_id += 1

    def _is_seen_already(self, detection: Detection) -> bool:
        return any(
            followed.label == detection.label
            and not followed.missed
            and overlap(followed.motion.box, detection.box) > self.settings.same_thing
            for followed in self._followed
        )

    def _give_up(self, now: datetime) -> None:
        lost = [followed for followed in self._followed if self._is_lost(followed, now)]
        self.ended = [followed.as_track() for followed in lost if followed.confirmed]
        self._followed = [followed for followed in self._followed if followed not in lost]

    def _is_lost(self, followed: _Followed, now: datetime) -> bool:
        patience = self.settings.patience if followed.confirmed else self.settings.early_patience
        return now - followed.last_seen > patience or (followed.missed > 0 and has_left(followed.motion.box))


def has_left(box: Box) -> bool:
    """Whether the centre is outside the frame."""
    return not (0 <= box.x + box.w / 2 <= 1 and 0 <= box.y + box.h / 2 <= 1)


def within_frame(box: Box) -> Box:
    left, top = min(max(box.x, 0.0), 1.0), min(max(box.y, 0.0), 1.0)
    right, bottom = min(max(box.x + box.w, left), 1.0), min(max(box.y + box.h, top), 1.0)
    return Box(left, top, right - left, bottom - top)
