"""When to say again what nobody has confirmed. Pure: times are monotonic seconds handed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Range = tuple[int, int]


@dataclass(slots=True)
class _Sent:
    times: int
    due_at_s: float


@dataclass
class ResendSchedule:
    """Remembers what was sent and when it is due again: after `first_s`, doubling to `longest_s`."""

    first_s: float = 10.0
    longest_s: float = 600.0
    _sent: dict[int, _Sent] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._sent)

    def sent(self, seq: int, now_s: float) -> None:
        times = self._sent[seq].times + 1 if seq in self._sent else 1
        wait_s = min(self.first_s * 2 ** min(times - 1, 30), self.longest_s)
        self._sent[seq] = _Sent(times, now_s + wait_s)

    def due(self, now_s: float) -> list[int]:
        return sorted(seq for seq, sent in self._sent.items() if sent.due_at_s <= now_s)

    def next_due_s(self) -> float | None:
        return min((sent.due_at_s for sent in self._sent.values()), default=None)

    def settle(self, ranges: Iterable[Range]) -> None:
        """Forget what was confirmed; `ranges` include both of their ends."""
        spans = list(ranges)
        for seq in [seq for seq in self._sent if any(low <= seq <= high for low, high in spans)]:
            del self._sent[seq]

    def forget(self, seq: int) -> None:
        self._sent.pop(seq, None)

    def restart(self) -> None:
        """After a reconnect everything is to be said again at once, as if for the first time."""
        self._sent.clear()
