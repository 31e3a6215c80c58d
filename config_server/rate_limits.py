"""Limits per address on what nobody has to identify for, counted in the database: they hold across workers."""

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store


class TooManyRequests(Exception):
    """This address has used up its window; `retry_after_s` is when the next one begins."""

    def __init__(self, bucket: str, retry_after_s: int) -> None:
        super().__init__(f"{bucket}: too many requests, again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class RateLimiter:
    """Counts in fixed windows. While the database takes nothing, each worker counts for itself."""

    store: Store
    clock: Callable[[], datetime]
    _alone: FixedWindowRateLimiter = field(default_factory=lambda: FixedWindowRateLimiter(MemoryStorage()))

    def spend(self, what: str, address: str | None, rates: str) -> None:
        """Count one request; TooManyRequests when any of the rates ("60 per minute; 500 per hour") is used up."""
        now = self.clock()
        for rate in parse_many(rates):
            bucket = f"{what} {network_of(address)} {rate.get_expiry()}"
            if not self._has_room(bucket, rate, now):
                raise TooManyRequests(bucket, math.ceil(_end_of_window(rate, now) - now.timestamp()))

    def _has_room(self, bucket: str, rate: RateLimitItem, now: datetime) -> bool:
        began = datetime.fromtimestamp(_end_of_window(rate, now) - rate.get_expiry(), UTC)
        try:
            with self.store.counting() as tx:
                return tx.rates.add(bucket, began) <= rate.amount
        except StoreUnavailable:
            return self._alone.hit(rate, bucket)


def network_of(address: str | None) -> str:
    """What one sender can be expected to have: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


def _end_of_window(rate: RateLimitItem, now: datetime) -> float:
    length_s = rate.get_expiry()
    return (now.timestamp() // length_s + 1) * length_s
