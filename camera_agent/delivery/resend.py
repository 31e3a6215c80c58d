"""When to say again what nobody has confirmed. Pure: times are monotonic seconds handed in."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

Range = tuple[int, int]


@dataclass(slots=True)
class _Sent:
    times: int
    due_at_s: float


@dataclass
class ResendSchedule:
    """Remembers what was sent and when it is due again: after `first_s`, doubling to `longest_s`.

    Holds what is under way, never a whole outbox: who sends keeps to a window.
    """

    first_s: float = 10.0
    longest_s: float = 600.0
    _sent: dict[int, _Sent] = field(default_factory=dict)
    # (due at, seq), soonest first; what was settled or sent again meanwhile is skipped when it comes up.
    _queue: list[tuple[float, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._sent)

    def sent(self, seq: int, now_s: float) -> None:
        times = self.times(seq) + 1
        due_at_s = now_s + min(self.first_s * 2 ** min(times - 1, 30), self.longest_s)
        self._sent[seq] = _Sent(times, due_at_s)
        heapq.heappush(self._queue, (due_at_s, seq))
        if len(self._queue) > 2 * len(self._sent) + 64:
            self._queue = [(sent.due_at_s, seq) for seq, sent in self._sent.items()]
            heapq.heapify(self._queue)

    def times(self, seq: int) -> int:
        """Return how often it was sent since the last restart."""
        sent = self._sent.get(seq)
        return sent.times if sent else 0

    def due(self, now_s: float, most: int | None = None) -> list[int]:
        """Return what is due, lowest number first; of more than `most` those that have been due for longest."""
        found: list[tuple[float, int]] = []
        while self._next() is not None and self._queue[0][0] <= now_s and (most is None or len(found) < most):
            found.append(heapq.heappop(self._queue))
        for item in found:
            heapq.heappush(self._queue, item)
        return sorted({seq for _, seq in found})

    def next_due_s(self) -> float | None:
        found = self._next()
        return found[0] if found else None

    def settle(self, ranges: Iterable[Range]) -> None:
        """Forget what was confirmed; `ranges` include both of their ends."""
        numbers = sorted(self._sent)
        for low, high in ranges:
            for seq in numbers[bisect_left(numbers, low) : bisect_right(numbers, high)]:
                self._sent.pop(seq, None)

    def forget(self, seq: int) -> None:
        self._sent.pop(seq, None)

    def restart(self) -> None:
        """After a reconnect everything is to be said again at once, as if for the first time."""
        self._sent.clear()
        self._queue.clear()

    def _next(self) -> tuple[float, int] | None:
        while self._queue:
            due_at_s, seq = self._queue[0]
            sent = self._sent.get(seq)
            if sent is not None and sent.due_at_s == due_at_s:
                return self._queue[0]
            heapq.heappop(self._queue)
        return None
