"""Where a thing is expected to be: a constant-velocity Kalman filter on its centre, its size smoothed.

All noise is in units of the thing's own size, so the same numbers serve near and far, and the
filter is told how much time passed, so they serve every frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass

from camera_agent.vision.types import Box

MEASURED = 0.06
"""Standard deviation of a confident box's centre, in sizes of the box."""
PUSH = 0.5
"""Spectral density of the acceleration, in sizes per second squared."""
FIRST_SPEED = 1.0
"""Standard deviation of the speed of a thing just seen, in sizes per second."""
SIZE_GAIN = 0.4


@dataclass
class Motion:
    x: float
    y: float
    w: float
    h: float
    x_speed: float = 0.0
    y_speed: float = 0.0
    _place: float = MEASURED**2
    _shared: float = 0.0
    _speed: float = FIRST_SPEED**2

    @classmethod
    def starting_at(cls, box: Box) -> Motion:
        return cls(box.x + box.w / 2, box.y + box.h / 2, box.w, box.h)

    @property
    def box(self) -> Box:
        return Box(self.x - self.w / 2, self.y - self.h / 2, self.w, self.h)

    def predict(self, seconds: float) -> None:
        self.x += self.x_speed * seconds
        self.y += self.y_speed * seconds
        noise = PUSH**2
        self._place += seconds * (2 * self._shared + seconds * self._speed) + noise * seconds**3 / 3
        self._shared += seconds * self._speed + noise * seconds**2 / 2
        self._speed += noise * seconds

    def correct(self, box: Box, trust: float) -> None:
        """`trust` in (0, 1]: how much this box is to be believed."""
        spread = self._place + MEASURED**2 / trust
        place_gain, speed_gain = self._place / spread, self._shared / spread
        off_x, off_y = box.x + box.w / 2 - self.x, box.y + box.h / 2 - self.y
        self.x += place_gain * off_x
        self.y += place_gain * off_y
        self.x_speed += speed_gain * off_x
        self.y_speed += speed_gain * off_y
        self._speed -= speed_gain * self._shared
        self._place *= 1 - place_gain
        self._shared *= 1 - place_gain
        self.w += SIZE_GAIN * trust * (box.w - self.w)
        self.h += SIZE_GAIN * trust * (box.h - self.h)
