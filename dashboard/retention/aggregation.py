"""Put telemetry together as its spans of time end, and once more before what it was made of goes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dashboard.store.telemetry import FIVE_MINUTES, HOUR, Aggregates, Span

# A measurement may be committed this long after it arrived.
SETTLE = timedelta(minutes=1)
# So far back spans are made anew, for measurements that were committed later than that.
OVERLAP = timedelta(minutes=15)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Aggregation:
    """Makes every span that ended; where it stopped is told by what it made, so a restart costs nothing."""

    aggregates: Aggregates
    is_stopped: Callable[[], bool]

    def catch_up(self, now: datetime) -> int:
        """Make what is missing up to now; returns how many rows were written."""
        return sum(self._make(span, self._resume(span), now - SETTLE) for span in (FIVE_MINUTES, HOUR))

    def finish_before(self, now: datetime, age: timedelta) -> datetime:
        """Make everything older than an age for the last time, and return up to when measurements may go."""
        end = HOUR.start_of(now - max(age, SETTLE))
        for span in (FIVE_MINUTES, HOUR):
            self._make(span, _FIRST, end)
        return _FIRST if self.is_stopped() else end

    def _resume(self, span: Span) -> datetime:
        newest = self.aggregates.newest(span)
        return _FIRST if newest is None else span.start_of(newest - OVERLAP)

    def _make(self, span: Span, since: datetime, end: datetime) -> int:
        written = 0
        while not self.is_stopped():
            first = self.aggregates.first_measured(since)
            if first is None or span.start_of(first) + span.width > end:
                break
            start = span.start_of(first)
            written += self.aggregates.put_together(span, start)
            since = start + span.width
        return written
