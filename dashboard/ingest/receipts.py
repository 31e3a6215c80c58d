"""Collect what is committed into receipts: ranges of seq, at most one a second per camera. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from dashboard.ingest.decode import Malformed
from fleet.identifiers import is_device_id
from fleet.messages import Receipt

PAUSE = timedelta(seconds=1)
MOST_RANGES = 1000
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Committed(NamedTuple):
    """One committed message of a camera's outbox."""

    device_id: str
    outbox: UUID | str
    seq: int


# Of each camera's outboxes the seqs that were committed.
Owed = dict[tuple[str, str], list[int]]


def together(committed: Iterable[Committed]) -> Owed:
    """Return committed messages by camera and outbox."""
    owed: Owed = {}
    for device_id, outbox, seq in committed:
        owed.setdefault((device_id, str(outbox)), []).append(seq)
    return owed


class _Claim(msgspec.Struct):
    """What a payload must still show to be known again by the camera that keeps it."""

    outbox: UUID
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


_claims = msgspec.json.Decoder(_Claim)


def owed_for(malformed: Malformed) -> list[Committed]:
    """Return what its camera may forget once a payload that cannot be read is in quarantine; at most one."""
    if not is_device_id(malformed.device_id):
        return []
    try:
        claim = _claims.decode(malformed.received.payload)
    except (ValueError, RecursionError):
        return []
    return [Committed(malformed.device_id, claim.outbox, claim.seq)]


@dataclass
class Receipts:
    """Remembers what was committed until a receipt says so; the first receipt of a camera goes at once.

    Cameras wait in a heap by when theirs is due: thousands may, and somebody asks after every batch.
    """

    pause: timedelta = PAUSE
    _waiting: dict[str, dict[str, set[int]]] = field(default_factory=dict)
    _sent_at: dict[str, datetime] = field(default_factory=dict)
    _due: list[tuple[datetime, str]] = field(default_factory=list)
    _asked_at: datetime = LONG_AGO

    def add(self, owed: Owed) -> None:
        """Note what a transaction has made durable."""
        for (device_id, outbox), seqs in owed.items():
            if device_id not in self._waiting:
                sent_at = self._sent_at.get(device_id)
                heappush(self._due, (LONG_AGO if sent_at is None else sent_at + self.pause, device_id))
            self._waiting.setdefault(device_id, {}).setdefault(outbox, set()).update(seqs)

    def take_due(self, now: datetime) -> list[tuple[str, Receipt]]:
        """Return receipts to send now, by device, and forget what they say."""
        if now < self._asked_at:
            # A server clock that was set back must not hold receipts for hours.
            self._due = [(LONG_AGO, device_id) for _, device_id in self._due]
            self._sent_at.clear()
        self._asked_at = now
        taken: list[tuple[str, Receipt]] = []
        while self._due and self._due[0][0] <= now:
            _, device_id = heappop(self._due)
            taken += [(device_id, receipt) for receipt in self._take(device_id, now)]
        return taken

    def wait(self, now: datetime) -> timedelta | None:
        """Return how long until the next receipt is due; None when there is none."""
        return max(self._due[0][0] - now, timedelta(0)) if self._due else None

    def _take(self, device_id: str, now: datetime) -> list[Receipt]:
        self._sent_at[device_id] = now
        return [
            Receipt(ts=now, outbox=UUID(outbox), committed=ranges[start : start + MOST_RANGES], server_ts=now)
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
