"""What came in that should not have: counted by kind, with who was last, for /healthz and /metrics."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from fleet.messages.message import to_wire_time


class Oddity(StrEnum):
    """A kind of bad input. All of it is answered; the kinds that lose nothing are `repeated` and `clock-suspect`."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    REPEATED = "repeated"
    CLOCK_SUSPECT = "clock-suspect"
    STALE_PRESENCE = "stale-presence"


@dataclass(frozen=True)
class Sighting:
    """How often a kind was seen, and the last one."""

    count: int = 0
    device_id: str | None = None
    at: datetime | None = None


@dataclass
class Oddities:
    """Noted on ingest's two threads, described on the health server's."""

    _seen: dict[Oddity, Sighting] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: Oddity, device_id: str | None, at: datetime, count: int = 1) -> None:
        """Count something odd; `device_id` is None where a batch does not tell whose it was."""
        if count <= 0:
            return
        with self._lock:
            self._seen[kind] = Sighting(self.count(kind) + count, device_id, at)

    def count(self, kind: Oddity) -> int:
        """Return how often a kind was seen since the start."""
        return self._seen.get(kind, Sighting()).count

    def describe(self) -> dict[str, Any]:
        """Return every kind that was seen since the start."""
        return {kind.value: _described(seen) for kind, seen in self._seen.copy().items()}


def _described(seen: Sighting) -> dict[str, Any]:
    last = {"last_at": to_wire_time(seen.at)} if seen.at else {}
    return {"count": seen.count, **({"last_device_id": seen.device_id} if seen.device_id else {}), **last}
