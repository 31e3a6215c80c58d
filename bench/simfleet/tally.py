"""What a simulated fleet has seen: counts, delays, and the newest revision of each event that it decided."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from bench.report import percentile


@dataclass(frozen=True, slots=True)
class Decided:
    """The newest that a camera decided about a thing."""

    device_id: str
    rev: int
    seq: int
    change: str


@dataclass
class Tally:
    """Counts of the whole fleet. `delays_s` holds, for each confirmed message, decision to receipt."""

    decided: int = 0
    sent: int = 0
    resent: int = 0
    confirmed: int = 0
    receipts: int = 0
    foreign_receipts: int = 0
    health: int = 0
    garbage: int = 0
    connections: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    refusals: Counter[int] = field(default_factory=Counter)
    ledger: dict[UUID, Decided] = field(default_factory=dict)
    decided_at_s: "array[float]" = field(default_factory=lambda: array("d"))
    delays_s: "array[float]" = field(default_factory=lambda: array("f"))

    @property
    def waiting(self) -> int:
        """Return how many messages have no receipt yet."""
        return self.decided - self.confirmed

    def note_confirmed(self, decided_s: float, now_s: float) -> None:
        """Note that a message's receipt has come."""
        self.confirmed += 1
        self.decided_at_s.append(decided_s)
        self.delays_s.append(now_s - decided_s)

    def delays_ms(self, share: float, since_s: float = 0.0, until_s: float = float("inf")) -> float:
        """Return a percentile over the messages decided in a span, in milliseconds; 0 when there are none."""
        chosen = [delay for at, delay in zip(self.decided_at_s, self.delays_s, strict=True) if since_s <= at < until_s]
        return percentile(chosen, share) * 1000 if chosen else 0.0

    def growth_ms(self, since_s: float = 0.0) -> float:
        """Return by how much the last third of a span waited longer than its first, by their medians."""
        if not self.decided_at_s:
            return 0.0
        first, last = max(since_s, min(self.decided_at_s)), max(self.decided_at_s)
        third = (last - first) / 3
        return self.delays_ms(0.5, last - third) - self.delays_ms(0.5, first, first + third)
