"""Which rows of the outbox go at once and which wait for their turn. Pure: numbers of rows only."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MOST_SPANS = 100


@dataclass
class Lanes:
    """Live is what was decided since this connection came up and could be sent at once; all else is late.

    `waiting` are the numbers, both ends included and oldest first, that the late lane has still to send.
    """

    live_through: int = 0
    waiting: deque[tuple[int, int]] = field(default_factory=deque)

    def restart(self, newest: int) -> None:
        """A connection came up: nothing counts as sent, and what is there was decided before."""
        self.live_through = newest
        self.waiting = deque([(1, newest)] if newest else [])

    def went_live(self, seq: int) -> None:
        self.live_through = seq

    def put_off(self, newest: int) -> None:
        """What the live lane has not sent cannot go now: it waits, so that what is decided next can go at once."""
        if newest <= self.live_through:
            return
        low = self.live_through + 1
        self.live_through = newest
        if self.waiting and (self.waiting[-1][1] + 1 == low or len(self.waiting) >= MOST_SPANS):
            # Far too many spans: a few rows between the last two are then sent twice, which does no harm.
            low = self.waiting.pop()[0]
        self.waiting.append((low, newest))

    def went_late(self, seq: int) -> None:
        """The late lane is through with everything of its first span up to `seq`."""
        low, high = self.waiting.popleft()
        if seq < high:
            self.waiting.appendleft((max(low, seq + 1), high))
