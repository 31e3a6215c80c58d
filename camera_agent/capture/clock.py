"""The clock that paces capture: what time it is, and waiting that `close` can cut short."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...

    def seconds(self) -> float:
        """Monotonic."""
        ...

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        """Returns early when `stopped` is set."""
        ...


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        if seconds > 0:
            stopped.wait(seconds)
