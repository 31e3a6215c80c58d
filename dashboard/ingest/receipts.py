"""Collect what is committed into receipts: ranges of seq, at most one a second per camera. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from fleet.messages import Receipt

PAUSE = timedelta(seconds=1)
MOST_RANGES = 1000


@dataclass(frozen=True)
class Committed:
    """One committed message of a camera's outbox."""

    device_id: str
    outbox: UUID
    seq: int


@dataclass
class Receipts:
    """Remembers what was committed until a receipt says so; the first receipt of a camera goes at once."""

    pause: timedelta = PAUSE
    _waiting: dict[str, dict[UUID, set[int]]] = field(default_factory=dict)
    _sent_at: dict[str, datetime] = field(default_factory=dict)

    def add(self, committed: Iterable[Committed]) -> None:
        """Note what a transaction has made durable."""
        for item in committed:
            self._waiting.setdefault(item.device_id, {}).setdefault(item.outbox, set()).add(item.seq)

    def take_due(self, now: datetime) -> list[tuple[str, Receipt]]:
        """Return receipts to send now, by device, and forget what they say."""
        due = [device_id for device_id in self._waiting if self._due_at(device_id, now) <= now]
        return [(device_id, receipt) for device_id in due for receipt in self._take(device_id, now)]

    def wait(self, now: datetime) -> timedelta | None:
        """Return how long until the next receipt is due; None when there is none."""
        moments = [self._due_at(device_id, now) for device_id in self._waiting]
        return max(min(moments) - now, timedelta(0)) if moments else None

    def _due_at(self, device_id: str, now: datetime) -> datetime:
        sent = self._sent_at.get(device_id)
        # A server clock that was set back must not hold receipts for hours.
        return now if sent is None or sent > now else sent + self.pause

    def _take(self, device_id: str, now: datetime) -> list[Receipt]:
        self._sent_at[device_id] = now
        return [
            Receipt(ts=now, outbox=outbox, committed=ranges[start : start + MOST_RANGES], server_ts=now)
            for outbox, seqs in self._waiting.pop(device_id).items()
            for ranges in [to_ranges(seqs)]
            for start in range(0, len(ranges), MOST_RANGES)
        ]


def to_ranges(seqs: Iterable[int]) -> list[tuple[int, int]]:
    """Return sorted inclusive ranges that cover exactly `seqs`."""
    ranges: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if ranges and seq == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], seq)
        else:
            ranges.append((seq, seq))
    return ranges
