"""The values that pass through the vision pipeline, and the two interfaces that turn one into the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""BGR, uint8, height x width x 3."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the frame, from its top left corner."""

    x: float
    y: float
    w: float
    h: float

    @property
    def area(self) -> float:
        return self.w * self.h

    @property
    def foot(self) -> tuple[float, float]:
        """The bottom centre: where the thing stands."""
        return (self.x + self.w / 2, self.y + self.h)

    def as_tuple(self) -> tuple[float, float, float, float]:
        return (self.x, self.y, self.w, self.h)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture; `index` counts from 0 since the source was opened, dropped frames included."""

    index: int
    captured_at: datetime
    image: Image


@dataclass(frozen=True, slots=True)
class Detection:
    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class Track:
    """One thing followed over time, as it stands at one frame.

    `confirmed` says whether it has been seen often enough to be shown; `missed` counts the frames
    since it was last seen (0: seen on this frame), during which `box` is where it is expected.
    """

    track_id: int
    label: str
    score: float
    box: Box
    confirmed: bool
    first_seen: datetime
    last_seen: datetime
    missed: int


class Detector(Protocol):
    @property
    def labels(self) -> Sequence[str]: ...

    def detect(self, image: Image) -> list[Detection]: ...


class Tracker(Protocol):
    @property
    def ended(self) -> list[Track]:
        """The confirmed tracks that the last `update` gave up, each as it last was."""
        ...

    def update(self, detections: Sequence[Detection], now: datetime) -> list[Track]:
        """The tracks alive at `now`, seen on this frame or coasting; `now` never goes backwards."""
        ...
