"""Collect what is committed into receipts: ranges of seq, at most one a second per camera. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from dashboard.ingest.decode import Malformed
from fleet.identifiers import is_device_id
from fleet.messages import Receipt

PAUSE = timedelta(seconds=1)
MOST_RANGES = 1000


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
    """Remembers what was committed until a receipt says so; the first receipt of a camera goes at once."""

    pause: timedelta = PAUSE
    _waiting: dict[str, dict[str, set[int]]] = field(default_factory=dict)
    _sent_at: dict[str, datetime] = field(default_factory=dict)

    def add(self, owed: Owed) -> None:
        """Note what a transaction has made durable."""
        for (device_id, outbox), seqs in owed.items():
            self._waiting.setdefault(device_id, {}).setdefault(outbox, set()).update(seqs)

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
