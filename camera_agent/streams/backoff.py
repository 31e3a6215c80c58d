"""How long to wait before trying again: doubling, with full jitter, forgotten after a success. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Backoff:
    """`chance` returns 0..1; without jitter all cameras of one switch would come back in the same second."""

    chance: Callable[[], float]
    first_s: float = 1.0
    longest_s: float = 30.0
    _failures: int = 0

    def next_s(self) -> float:
        ceiling = min(self.longest_s, self.first_s * 2.0**self._failures)
        self._failures = min(self._failures + 1, 30)
        return ceiling * (0.5 + 0.5 * self.chance())

    def reset(self) -> None:
        self._failures = 0
