"""Turn tracks into the life of an event: new, update, end. Pure: no camera, clock, file or network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import hypot
from uuid import UUID

from camera_agent.vision.types import Box, Track
from fleet.messages import Change

Point = tuple[float, float]

PATH_POINTS = 32


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole state of one event at one revision, as it is told to the servers."""

    event_id: UUID
    rev: int
    change: Change
    track_id: int
    label: str
    score: float
    box: Box
    best_box: Box
    best_score: float
    started_at: datetime
    ended_at: datetime | None
    frame_ts: datetime
    path: tuple[Point, ...]
    aspect: float | None = None


@dataclass(frozen=True, slots=True)
class EventRules:
    """What a person would care to be told again; distances are fractions of the frame."""

    moved: float = 0.08
    better_score: float = 0.1
    larger_view: float = 1.5
    at_most_every: timedelta = timedelta(seconds=2)
    path_step: float = 0.01


@dataclass(slots=True)
class _Open:
    """An event that has begun and not ended, and what was last said about it."""

    event_id: UUID
    track: Track
    best: Track
    path: list[Point]
    rev: int = 0
    said_at: datetime | None = None
    said: Track | None = None
    said_best: Track | None = None

    def see(self, track: Track, step: float) -> None:
        self.track = track
        if track.score > self.best.score:
            self.best = track
        self._walk_to(track.box.foot, step)

    def _walk_to(self, foot: Point, step: float) -> None:
        if _distance(self.path[-1], foot) < step:
            return
        self.path.append(foot)
        if len(self.path) > PATH_POINTS:
            # Every other point goes, the first and the newest stay: the shape survives at half the detail.
            self.path = [*self.path[:-1:2], self.path[-1]]

    def say(self, change: Change, frame_ts: datetime) -> Decision:
        self.rev += 1
        self.said_at, self.said, self.said_best = frame_ts, self.track, self.best
        return Decision(
            event_id=self.event_id,
            rev=self.rev,
            change=change,
            track_id=self.track.track_id,
            label=self.track.label,
            score=self.track.score,
            box=self.track.box,
            best_box=self.best.box,
            best_score=self.best.score,
            started_at=self.track.first_seen,
            ended_at=self.track.last_seen if change is Change.END else None,
            frame_ts=frame_ts,
            path=tuple(self.path),
        )


@dataclass
class EventPolicy:
    """Says each thing once when it is sure, again only when it matters, and once when it is over."""

    new_event_id: Callable[[datetime], UUID]
    rules: EventRules = EventRules()
    _open: dict[int, _Open] = field(default_factory=dict)

    def update(self, tracks: Iterable[Track], ended: Iterable[Track], now: datetime) -> list[Decision]:
        """Decide on one frame captured at `now`; `ended` are the tracks given up since the last one."""
        over = [self._end(track.track_id, now) for track in ended if track.track_id in self._open]
        seen = [track for track in tracks if track.confirmed and track.missed == 0]
        return [*over, *(said for said in (self._see(track, now) for track in seen) if said)]

    def finish(self, now: datetime) -> list[Decision]:
        """End everything that is still open: the stream has stopped."""
        return [self._end(track_id, now) for track_id in list(self._open)]

    def _see(self, track: Track, now: datetime) -> Decision | None:
        event = self._open.get(track.track_id)
        if event is None:
            event = _Open(self.new_event_id(now), track, track, [track.box.foot])
            self._open[track.track_id] = event
            return event.say(Change.NEW, now)
        event.see(track, self.rules.path_step)
        return event.say(Change.UPDATE, now) if self._should_send(event, now) else None

    def _should_send(self, event: _Open, now: datetime) -> bool:
        if event.said is None or event.said_best is None or event.said_at is None:
            return True
        if now - event.said_at < self.rules.at_most_every:
            return False
        return (
            _distance(event.said.box.foot, event.track.box.foot) > self.rules.moved
            or event.track.label != event.said.label
            or self._is_better(event.best, event.said_best)
        )

    def _is_better(self, best: Track, said: Track) -> bool:
        gained = best.score - said.score
        return gained >= self.rules.better_score or (
            gained > 0 and best.box.area >= said.box.area * self.rules.larger_view
        )

    def _end(self, track_id: int, now: datetime) -> Decision:
        return self._open.pop(track_id).say(Change.END, now)


def _distance(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])
