"""Say whether a camera's clock can be believed. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class ClockFacts:
    """What the camera's last health said: its offset to our clock, and the age of the oldest event it still keeps."""

    offset: timedelta | None = None
    outbox_oldest: timedelta = timedelta(0)


def is_clock_suspect(ts: datetime, received_at: datetime, facts: ClockFacts) -> bool:
    """Say whether `ts` and `received_at` disagree by more than the tolerance with no outbox delay to explain it."""
    delay = received_at - ts
    if delay < -TOLERANCE:
        return True
    if delay <= TOLERANCE:
        return False
    if facts.offset is not None:
        return abs(facts.offset) > TOLERANCE
    return delay > facts.outbox_oldest + TOLERANCE
