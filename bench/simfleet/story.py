"""What a simulated camera decides: things that appear, are seen again and go away. Pure but for its own chance."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from fleet.identifiers import uuid7
from fleet.messages import Change, Event

LABELS: Sequence[tuple[str, int]] = (("person", 60), ("car", 25), ("bicycle", 8), ("dog", 5), ("truck", 2))
# Of ten messages about a thing some eight are updates, as on the sample clip.
NEW, END = 0.12, 0.12
MOST_OPEN = 6
MOST_PATH = 32
DIGITS = 4
JITTER = 0.5


@dataclass
class Thing:
    """Something that is being followed."""

    event_id: UUID
    track_id: int
    label: str
    started_at: datetime
    box: tuple[float, float, float, float]
    rev: int = 0
    best_score: float = 0.0
    path: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where the camera keeps an event, and which life of it decided the event."""

    outbox: UUID
    seq: int
    session: int


@dataclass
class Story:
    """Tells one event message after the other; the same seed tells the same story."""

    chance: random.Random
    _open: list[Thing] = field(default_factory=list)
    _tracks: int = 0

    def wait_s(self, rate: float) -> float:
        """Return how long until the next message, at so many messages a second on the average."""
        return self.chance.uniform(1 - JITTER, 1 + JITTER) / rate

    def decide(self, place: Place, now: datetime) -> Event:
        """Return the next message: a new thing, one seen again, or one that has gone."""
        turn = self.chance.random()
        if not self._open or (turn < NEW and len(self._open) < MOST_OPEN):
            return self._tell(self._appear(now), Change.NEW, place, now)
        thing = self.chance.choice(self._open)
        if turn > 1 - END:
            self._open.remove(thing)
            return self._tell(thing, Change.END, place, now)
        return self._tell(thing, Change.UPDATE, place, now)

    def _appear(self, now: datetime) -> Thing:
        self._tracks += 1
        labels, weights = zip(*LABELS, strict=True)
        width, height = self._between(0.03, 0.2), self._between(0.05, 0.4)
        box = (self._between(0, 1 - width), self._between(0, 1 - height), width, height)
        event_id = uuid7(int(now.timestamp() * 1000))
        thing = Thing(event_id, self._tracks, self.chance.choices(labels, weights)[0], now, box)
        self._open.append(thing)
        return thing

    def _tell(self, thing: Thing, change: Change, place: Place, now: datetime) -> Event:
        self._move(thing)
        score = self._between(0.4, 0.98)
        thing.rev, thing.best_score = thing.rev + 1, max(thing.best_score, score)
        return Event(
            ts=now,
            session=place.session,
            outbox=place.outbox,
            seq=place.seq,
            event_id=thing.event_id,
            rev=thing.rev,
            change=change,
            track_id=thing.track_id,
            label=thing.label,
            score=score,
            box=thing.box,
            best_box=thing.box,
            best_score=thing.best_score,
            started_at=thing.started_at,
            ended_at=now if change is Change.END else None,
            frame_ts=now,
            aspect=1.7778,
            zones=[],
            path=list(thing.path),
        )

    def _move(self, thing: Thing) -> None:
        x, y, width, height = thing.box
        x = round(min(1 - width, max(0.0, x + self.chance.uniform(-0.03, 0.03))), DIGITS)
        y = round(min(1 - height, max(0.0, y + self.chance.uniform(-0.02, 0.02))), DIGITS)
        thing.box = (x, y, width, height)
        thing.path.append((round(x + width / 2, DIGITS), round(y + height, DIGITS)))
        if len(thing.path) > MOST_PATH:
            del thing.path[1::2]

    def _between(self, low: float, high: float) -> float:
        return round(self.chance.uniform(low, high), DIGITS)


def moment(unix_s: float) -> datetime:
    """Return a time of the clock as messages carry it."""
    return datetime.fromtimestamp(unix_s, UTC)
