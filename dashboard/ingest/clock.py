"""Say whether a camera's clock can be believed. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
# A certificate's life and its grace: nothing waits longer on a camera, so an older event is one of a wrong clock.
LONGEST_WAIT = timedelta(days=180)


@dataclass(frozen=True)
class ClockFacts:
    """What the camera's last health said: its offset to our clock, and the age of the oldest event it still keeps."""

    offset: timedelta | None = None
    outbox_oldest: timedelta = timedelta(0)

    def with_word(self, sent_at: datetime, received_at: datetime) -> "ClockFacts":
        """Return what to believe after the camera said "now" itself: right if it agrees; else it may only be late."""
        offset = received_at - sent_at
        return replace(self, offset=offset) if abs(offset) <= TOLERANCE else self


def is_clock_suspect(ts: datetime, received_at: datetime, facts: ClockFacts) -> bool:
    """Say whether `ts` and `received_at` disagree by more than the tolerance with no outbox delay to explain it."""
    delay = received_at - ts
    if delay < -TOLERANCE or delay > LONGEST_WAIT:
        return True
    if delay <= TOLERANCE:
        return False
    if facts.offset is not None:
        return abs(facts.offset) > TOLERANCE
    return delay > facts.outbox_oldest + TOLERANCE
