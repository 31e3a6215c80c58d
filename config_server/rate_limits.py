"""Limits per address on what nobody has to identify for, counted in the database: they hold across workers."""

import ipaddress
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store

# Of a limit above a hundred, up to this many are counted at once, and never more than a hundredth of it.
LARGEST_SHARE = 10
SHARES_KEPT = 10_000


class TooManyRequests(Exception):
    """This address has used up its window; `retry_after_s` is when the next one begins."""

    def __init__(self, bucket: str, retry_after_s: int) -> None:
        super().__init__(f"{bucket}: too many requests, again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Shares:
    """What this worker has counted in the database and not yet handed out, by bucket and window."""

    _left: dict[tuple[str, datetime], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, bucket: str, began: datetime) -> bool:
        """Use one of a share; False when there is none."""
        with self._lock:
            left = self._left.pop((bucket, began), 0)
            if left > 1:
                self._left[bucket, began] = left - 1
            return left > 0

    def put(self, bucket: str, began: datetime, count: int) -> None:
        """Keep what is left of a share. What is forgotten, with old windows, was counted: the limit holds."""
        with self._lock:
            if len(self._left) >= SHARES_KEPT:
                self._left.clear()
            self._left[bucket, began] = self._left.get((bucket, began), 0) + count


@dataclass(frozen=True)
class RateLimiter:
    """Counts in fixed windows. While the database takes nothing, each worker counts for itself.

    Every count is a turn at the database's one writer. Of a large limit a worker therefore takes a small share at once:
    no more than the limit passes, and a sender may be refused that much too early.
    """

    store: Store
    clock: Callable[[], datetime]
    _alone: FixedWindowRateLimiter = field(default_factory=lambda: FixedWindowRateLimiter(MemoryStorage()))
    _shares: Shares = field(default_factory=Shares)

    def spend(self, what: str, address: str | None, rates: str) -> None:
        """Count one request; TooManyRequests when any of the rates ("60 per minute; 500 per hour") is used up."""
        now = self.clock()
        for rate in _read(rates):
            bucket = f"{what} {network_of(address)} {rate.get_expiry()}"
            if not self._has_room(bucket, rate, now):
                raise TooManyRequests(bucket, math.ceil(_end_of_window(rate, now) - now.timestamp()))

    def _has_room(self, bucket: str, rate: RateLimitItem, now: datetime) -> bool:
        began = datetime.fromtimestamp(_end_of_window(rate, now) - rate.get_expiry(), UTC)
        if self._shares.take(bucket, began):
            return True
        share = _share_of(rate)
        try:
            with self.store.counting() as tx:
                counted = tx.rates.add(bucket, began, share)
        except StoreUnavailable:
            return self._alone.hit(rate, bucket)
        granted = share - max(0, counted - rate.amount)
        if granted > 1:
            self._shares.put(bucket, began, granted - 1)
        return granted > 0


def network_of(address: str | None) -> str:
    """What one sender can be expected to have: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


@cache
def _read(rates: str) -> tuple[RateLimitItem, ...]:
    """Settings say it, so there are few."""
    return tuple(parse_many(rates))


def _share_of(rate: RateLimitItem) -> int:
    return max(1, min(LARGEST_SHARE, rate.amount // 100))


def _end_of_window(rate: RateLimitItem, now: datetime) -> float:
    length_s = rate.get_expiry()
    return (now.timestamp() // length_s + 1) * length_s
