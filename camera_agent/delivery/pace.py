"""How many late events may go now, so that a backlog drains at a set rate. Pure: monotonic seconds handed in."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.messages.backfill import MOST_EVENTS

BATCHES_S = 2.0
"""Batches a second, at rates at which they would not grow too large."""


@dataclass
class Pace:
    """A bucket that fills at `rate` events a second; what is taken goes in batches, not in drops."""

    rate: float
    _level: float = 0.0
    _at_s: float | None = None

    @property
    def batch(self) -> int:
        """Events that go together."""
        return max(1, min(MOST_EVENTS, round(self.rate / BATCHES_S)))

    def allows(self, now_s: float) -> int:
        """Return how many events may go now: none until a batch may."""
        self._fill(now_s)
        return self.batch if self._level >= self.batch else 0

    def took(self, events: int) -> None:
        self._level -= events

    def next_s(self, now_s: float) -> float:
        """Return in how many seconds a batch may go."""
        self._fill(now_s)
        return max(0.0, (self.batch - self._level) / self.rate)

    def _fill(self, now_s: float) -> None:
        # Full at first: what a short outage left goes at once.
        passed_s = now_s - self._at_s if self._at_s is not None else 2 * self.batch / self.rate
        self._at_s = now_s
        self._level = min(2.0 * self.batch, self._level + max(0.0, passed_s) * self.rate)
