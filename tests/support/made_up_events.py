"""Events that nobody saw: they begin, move and end by chance, as many a frame as wanted. Pure but for event ids."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from camera_agent.events import PATH_POINTS, Decision, EventPolicy
from camera_agent.pipeline import StreamPipeline
from camera_agent.vision.types import Box, Detection, Image, Track, Tracker
from fleet.identifiers import uuid7
from fleet.messages import Change

LABELS = ("person", "car", "bicycle", "hund", "Straßenbahn")
# Chances of each open track at each frame: it lives for five frames, and half of those that live are told of once.
ENDS, CHANGES = 0.2, 0.1


@dataclass
class Blind:
    """A detector and a tracker that see nothing."""

    labels: Sequence[str] = LABELS
    ended: Sequence[int] = ()

    def detect(self, _image: Image) -> list[Detection]:
        return []

    def update(self, _detections: Sequence[Detection], _now: datetime) -> list[Track]:
        return []


@dataclass
class MadeUpEvents:
    """Stands in the place of the event policy: asked at each frame, it decides by chance."""

    chance: random.Random
    new_per_frame: float
    _open: list[Decision] = field(default_factory=list)
    _begun: int = 0

    def update(self, _tracks: Sequence[Track], _ended: Sequence[int], now: datetime) -> list[Decision]:
        """Decide as if the picture showed something."""
        new = [self._begin(now) for _ in range(self._how_many_new())]
        ending = [known for known in self._open if self.chance.random() < ENDS]
        moving = [known for known in self._open if known not in ending and self.chance.random() < CHANGES]
        moved = [self._say(known, Change.UPDATE, now) for known in moving]
        ended = [self._say(known, Change.END, now) for known in ending]
        self._open = [known for known in self._open if known not in ending and known not in moving] + moved + new
        return [*ended, *moved, *new]

    def finish(self, now: datetime) -> list[Decision]:
        """End everything that is open."""
        ended = [self._say(known, Change.END, now) for known in self._open]
        self._open = []
        return ended

    def _how_many_new(self) -> int:
        whole = int(self.new_per_frame)
        return whole + (self.chance.random() < self.new_per_frame - whole)

    def _begin(self, now: datetime) -> Decision:
        self._begun += 1
        box, score = self._box(), self.chance.random()
        return Decision(
            event_id=uuid7(int(now.timestamp() * 1000)),
            rev=1,
            change=Change.NEW,
            track_id=self._begun,
            label=self.chance.choice(LABELS),
            score=score,
            box=box,
            best_box=box,
            best_score=score,
            started_at=now,
            ended_at=None,
            frame_ts=now,
            path=tuple(self._point() for _ in range(self.chance.randint(0, PATH_POINTS))),
        )

    def _say(self, known: Decision, change: Change, now: datetime) -> Decision:
        return replace(
            known,
            rev=known.rev + 1,
            change=change,
            score=self.chance.random(),
            box=self._box(),
            ended_at=now if change is Change.END else None,
            frame_ts=now,
            path=(*known.path[:-1], self._point()),
        )

    def _box(self) -> Box:
        return Box(*(self.chance.random() / 2 for _ in range(4)))

    def _point(self) -> tuple[float, float]:
        return self.chance.random(), self.chance.random()


def made_up_pipeline(chance: random.Random, new_per_frame: float) -> StreamPipeline:
    """Return a pipeline that decides without looking."""
    policy = cast(EventPolicy, MadeUpEvents(chance, new_per_frame))
    return StreamPipeline(Blind(), cast(Tracker, Blind()), policy)
