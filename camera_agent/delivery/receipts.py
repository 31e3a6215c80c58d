"""What receipts tell beside what is committed: how far this clock is from the servers', and which were not ours."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from fleet.messages import Receipt

SAMPLES = 8


@dataclass
class ClockOffset:
    """The servers' clock minus ours, from the receipts that came with the least delay among the newest."""

    _samples: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def learn(self, receipt: Receipt, now: datetime) -> None:
        self._samples.append((receipt.server_ts - now).total_seconds())

    @property
    def seconds(self) -> float | None:
        """None until a receipt came. A delay, as of one that waited at the broker, only ever lowers a sample."""
        return round(max(self._samples), 3) if self._samples else None
