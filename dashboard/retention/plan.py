"""Decide what has to go: by age, by size, because the disk is full. And say how long the room lasts. Pure."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.retention.settings import RetentionSettings
from dashboard.store.holdings import Holding, Kind

GB = 10**9
# What is over its size is cut a little below it, or the next event would cut again.
AFTER_CUT = 0.95
LONGEST_FORECAST_DAYS = 3_650


class Why(StrEnum):
    """The rule that something goes by."""

    AGE = "age"
    SIZE = "size"
    DISK = "disk"


@dataclass(frozen=True)
class Cut:
    """The oldest of a class that must go: what is older than `before`, and of that at most `most_rows`."""

    kind: Kind
    why: Why
    before: datetime
    most_rows: int | None = None


@dataclass(frozen=True)
class Rule:
    """How long a class is kept, and within what size; None: whatever its size."""

    keep: timedelta
    most_bytes: int | None = None


@dataclass(frozen=True)
class Policy:
    """Every class's rule, the size of all together, and the disk's watermarks in percent."""

    rules: Mapping[Kind, Rule]
    most_bytes: int | None
    high_pct: float
    low_pct: float
    least: timedelta


@dataclass(frozen=True)
class Disk:
    """The disk on which the database lies. `used_bytes` leaves out what is free inside the database's file."""

    total_bytes: int
    used_bytes: int

    @property
    def used_pct(self) -> float:
        """Return how full it is."""
        return 100.0 * self.used_bytes / self.total_bytes


@dataclass(frozen=True)
class Stock:
    """What there is at one moment. `used_bytes` is what the database takes; no disk: it is not on this host."""

    holdings: Sequence[Holding]
    used_bytes: int
    disk: Disk | None = None


@dataclass(frozen=True)
class Forecast:
    """When the size or the disk, no longer age, will decide what goes; None: never, at the rate of today.

    `steady_bytes` is what the database grows to if nothing but age bounds it.
    """

    days_left: float | None
    bound: Why | None
    bytes_a_day: float
    steady_bytes: float


def policy_of(settings: RetentionSettings) -> Policy:
    """Return the policy that the settings say."""
    telemetry = _bytes(settings.retention_telemetry_gb)
    rules = {
        Kind.EVENTS: Rule(timedelta(days=settings.retention_events_days), _bytes(settings.retention_events_gb)),
        Kind.TELEMETRY: Rule(timedelta(hours=settings.retention_telemetry_hours), telemetry),
        Kind.TELEMETRY_5MIN: Rule(timedelta(days=settings.retention_telemetry_5min_days), telemetry),
        Kind.TELEMETRY_HOUR: Rule(timedelta(days=settings.retention_telemetry_hour_days), telemetry),
        Kind.QUARANTINE: Rule(
            timedelta(days=settings.retention_quarantine_days), _bytes(settings.retention_quarantine_gb)
        ),
        Kind.AUDIT: Rule(timedelta(days=settings.retention_audit_days), _bytes(settings.retention_audit_gb)),
    }
    return Policy(
        rules,
        most_bytes=_bytes(settings.retention_most_gb),
        high_pct=settings.retention_disk_high_pct,
        low_pct=settings.retention_disk_low_pct,
        least=timedelta(days=settings.retention_least_days),
    )


def cuts_by_age(policy: Policy, now: datetime) -> list[Cut]:
    """Return what is too old, class by class."""
    return [Cut(kind, Why.AGE, now - rule.keep) for kind, rule in policy.rules.items()]


def cuts_by_size(policy: Policy, stock: Stock, now: datetime) -> list[Cut]:
    """Return what is too much: of a class by itself, else of all but the audit log, the largest giving first."""
    own = [
        Cut(holding.kind, Why.SIZE, now, _rows_over(holding, rule.most_bytes))
        for holding in stock.holdings
        if (rule := policy.rules[holding.kind]).most_bytes is not None and holding.bytes > rule.most_bytes
    ]
    return own or _shared(policy, stock, now)


def is_over(policy: Policy, used_bytes: int, disk: Disk | None) -> bool:
    """Say whether size or disk call for a cut, without looking at the classes."""
    is_large = policy.most_bytes is not None and used_bytes > policy.most_bytes
    return is_large or (disk is not None and disk.used_pct >= policy.high_pct)


def forecast(policy: Policy, stock: Stock) -> Forecast:
    """Say when the room ends if as much comes as lately; what stays by age alone is no end."""
    steady = sum(_bytes_in(policy, holding, LONGEST_FORECAST_DAYS) for holding in stock.holdings)
    growth = sum(_bytes_in(policy, one, 1) for one in stock.holdings) - sum(one.bytes for one in stock.holdings)
    bounds = _bounds(policy, stock)
    for why, most in sorted(bounds.items(), key=lambda bound: bound[1]):
        days = _days_until(policy, stock.holdings, most)
        return Forecast(days, None if days is None else why, growth, steady)
    return Forecast(None, None, growth, steady)


def _bytes(gigabytes: float) -> int | None:
    return round(gigabytes * GB) or None


def _rows_over(holding: Holding, most_bytes: int) -> int:
    return math.ceil((holding.bytes - AFTER_CUT * most_bytes) / holding.row_bytes)


def _shared(policy: Policy, stock: Stock, now: datetime) -> list[Cut]:
    if policy.most_bytes is not None and stock.used_bytes > policy.most_bytes:
        return _give(stock.holdings, stock.used_bytes - AFTER_CUT * policy.most_bytes, Why.SIZE, now)
    if stock.disk is not None and stock.disk.used_pct >= policy.high_pct:
        too_much = stock.disk.used_bytes - stock.disk.total_bytes * policy.low_pct / 100.0
        return _give(stock.holdings, too_much, Why.DISK, now - policy.least)
    return []


def _give(holdings: Iterable[Holding], too_much: float, why: Why, before: datetime) -> list[Cut]:
    """Cut the largest down to one level, so that what is small and lives long is not given for what is large."""
    givers = [holding for holding in holdings if holding.kind is not Kind.AUDIT and holding.rows]
    level = _level([holding.bytes for holding in givers], too_much)
    return [
        Cut(one.kind, why, before, min(one.rows, math.ceil((one.bytes - level) / one.row_bytes)))
        for one in givers
        if one.bytes > level
    ]


def _level(sizes: Iterable[int], too_much: float) -> float:
    """Return the size to which all larger ones must come down to give so much together."""
    ordered = [*sorted(sizes, reverse=True), 0]
    given = 0.0
    for count, (size, following) in enumerate(itertools.pairwise(ordered), start=1):
        step = float(count * (size - following))
        if given + step >= too_much:
            return size - (too_much - given) / count
        given += step
    return 0.0


def _bounds(policy: Policy, stock: Stock) -> dict[Why, float]:
    """Return how large the classes together may become by each bound; what is no row of theirs grows no more."""
    other = stock.used_bytes - sum(holding.bytes for holding in stock.holdings)
    bounds: dict[Why, float] = {}
    if policy.most_bytes is not None:
        bounds[Why.SIZE] = float(policy.most_bytes - other)
    if stock.disk is not None:
        room = stock.disk.total_bytes * policy.high_pct / 100.0 - stock.disk.used_bytes
        bounds[Why.DISK] = stock.used_bytes - other + room
    return bounds


def _days_until(policy: Policy, holdings: Sequence[Holding], most: float) -> float | None:
    if sum(_bytes_in(policy, holding, LONGEST_FORECAST_DAYS) for holding in holdings) <= most:
        return None
    low, high = 0.0, float(LONGEST_FORECAST_DAYS)
    while high - low > 0.05:
        middle = (low + high) / 2
        is_full = sum(_bytes_in(policy, holding, middle) for holding in holdings) > most
        low, high = (low, middle) if is_full else (middle, high)
    return round(low, 1)


def _bytes_in(policy: Policy, holding: Holding, days: float) -> float:
    """Return how large a class is after so many days: it grows until as much goes by age or own size as comes."""
    rule = policy.rules[holding.kind]
    a_day = holding.rows_a_day * holding.row_bytes
    largest = a_day * (rule.keep / timedelta(days=1))
    if rule.most_bytes is not None:
        largest = min(largest, rule.most_bytes)
    return min(holding.bytes + a_day * days, max(largest, float(holding.bytes)))
