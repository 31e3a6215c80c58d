"""How long to wait before a dead program is started again. Pure: chance and time are handed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass
class Backoff:
    """Doubling pauses with jitter; a program that was healthy for `forgiven_after` begins anew."""

    chance: Callable[[], float]
    first: timedelta = timedelta(seconds=0.5)
    longest: timedelta = timedelta(seconds=30)
    forgiven_after: timedelta = timedelta(seconds=30)
    _failures: int = 0

    def next_pause(self, healthy_for: timedelta) -> timedelta:
        """Return the pause after a death; `healthy_for` is how long the program had been healthy."""
        if healthy_for >= self.forgiven_after:
            self._failures = 0
        doubled: timedelta = self.first * (1 << min(self._failures, 16))
        self._failures += 1
        return min(doubled, self.longest) * (0.5 + self.chance() / 2)
