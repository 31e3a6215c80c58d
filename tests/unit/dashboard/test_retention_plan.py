"""What has to go, and how long the room lasts: rules without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.retention.plan import (
    AFTER_CUT,
    GB,
    Cut,
    Disk,
    Policy,
    Rule,
    Stock,
    Why,
    cuts_by_age,
    cuts_by_size,
    forecast,
    is_over,
    policy_of,
)
from dashboard.retention.settings import RetentionSettings
from dashboard.store.holdings import Holding, Kind
from fleet.settings import SettingsError, load

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def policy(**given: object) -> Policy:
    return policy_of(load(RetentionSettings, **{f"retention_{name}": value for name, value in given.items()}))


def holding(kind: Kind = Kind.EVENTS, rows: int = 1_000_000, size: float = 1.0, a_day: float = 0.0) -> Holding:
    return Holding(kind, rows, round(size * GB), NOW - 90 * DAY, a_day)


def stock(*holdings: Holding, disk: Disk | None = None) -> Stock:
    return Stock(holdings, sum(one.bytes for one in holdings), disk)


def test_every_class_has_a_rule_and_settings_change_it() -> None:
    assert set(policy().rules) == set(Kind)
    changed = policy(events_days=10, telemetry_hours=5, audit_days=400, quarantine_gb=0.5).rules
    assert changed[Kind.EVENTS] == Rule(10 * DAY)
    assert changed[Kind.TELEMETRY].keep == timedelta(hours=5)
    assert changed[Kind.AUDIT].keep == 400 * DAY
    assert changed[Kind.QUARANTINE].most_bytes == GB // 2


def test_telemetry_is_kept_48_hours_as_it_came_unless_told_otherwise() -> None:
    assert policy().rules[Kind.TELEMETRY].keep == timedelta(hours=48)


@pytest.mark.parametrize("given", [{"events_days": 0}, {"most_gb": -1}, {"disk_high_pct": 101}, {"telemetry_hours": 1}])
def test_a_setting_that_makes_no_sense_is_named(given: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=f"CAMFLEET_RETENTION_{next(iter(given)).upper()}"):
        policy(**given)


def test_a_low_watermark_above_the_high_one_is_named() -> None:
    with pytest.raises(SettingsError, match=r"CAMFLEET_RETENTION_DISK_LOW_PCT.*above"):
        policy(disk_high_pct=70, disk_low_pct=75)


def test_age_takes_what_is_older_of_each_class_however_little_there_is() -> None:
    cuts = {cut.kind: cut for cut in cuts_by_age(policy(events_days=30), NOW)}
    assert cuts[Kind.EVENTS] == Cut(Kind.EVENTS, Why.AGE, NOW - 30 * DAY)
    assert cuts[Kind.TELEMETRY].before == NOW - 2 * DAY
    assert set(cuts) == set(Kind)


def test_what_fits_is_left() -> None:
    assert cuts_by_size(policy(most_gb=2), stock(holding(size=1.9)), NOW) == []
    assert not is_over(policy(most_gb=2), round(1.9 * GB), Disk(100, 84))


def test_a_class_over_its_own_size_is_cut_a_little_below_it() -> None:
    cuts = cuts_by_size(policy(events_gb=1), stock(holding(rows=2_000, size=2.0), holding(Kind.TELEMETRY)), NOW)
    assert cuts == [Cut(Kind.EVENTS, Why.SIZE, NOW, 2_000 - round(1_000 * AFTER_CUT))]


@pytest.mark.parametrize(
    ("most_gb", "given"),
    [
        # 4.6 GB must become 3.8: the events alone can give that.
        (4.0, {Kind.EVENTS: 267}),
        # To become 1.9 GB events and telemetry meet at 0.65; nothing else is as large.
        (2.0, {Kind.EVENTS: 784, Kind.TELEMETRY: 70}),
    ],
)
def test_the_largest_give_first_and_the_audit_log_never(most_gb: float, given: dict[Kind, int]) -> None:
    full = stock(
        holding(rows=1_000, size=3.0),
        holding(Kind.TELEMETRY, rows=200, size=1.0),
        holding(Kind.TELEMETRY_HOUR, rows=100, size=0.1),
        holding(Kind.AUDIT, rows=10, size=0.5),
    )
    rules = policy(most_gb=most_gb)
    assert {cut.kind: cut.most_rows for cut in cuts_by_size(rules, full, NOW)} == given
    assert is_over(rules, full.used_bytes, None)


def test_a_full_disk_takes_down_to_the_low_watermark_but_nothing_young() -> None:
    rules = policy(disk_high_pct=90, disk_low_pct=80, least_days=14)
    full = stock(holding(rows=1_000, size=10.0), disk=Disk(20 * GB, 18 * GB))
    assert cuts_by_size(rules, full, NOW) == [Cut(Kind.EVENTS, Why.DISK, NOW - 14 * DAY, 200)]
    assert is_over(rules, 0, full.disk)
    assert cuts_by_size(rules, stock(holding(size=10.0), disk=Disk(20 * GB, 17 * GB)), NOW) == []


def test_a_disk_that_others_filled_takes_no_more_than_all() -> None:
    full = stock(holding(rows=1_000, size=0.1), disk=Disk(20 * GB, 20 * GB))
    assert [cut.most_rows for cut in cuts_by_size(policy(), full, NOW)] == [1_000]


def test_room_that_age_alone_bounds_lasts_for_ever() -> None:
    # A GB a day for 30 days is 30 GB.
    coming = forecast(policy(events_days=30, most_gb=31), stock(holding(a_day=1_000_000)))
    assert (coming.days_left, coming.bound) == (None, None)
    assert coming.steady_bytes == pytest.approx(30 * GB)
    assert coming.bytes_a_day == pytest.approx(GB)


def test_the_bound_that_is_met_first_is_told_with_its_day() -> None:
    disk = Disk(100 * GB, 80 * GB)
    coming = forecast(policy(most_gb=50), stock(holding(a_day=1_000_000), disk=disk))
    assert coming.bound is Why.DISK
    assert coming.days_left == pytest.approx(5, abs=0.1)
    coming = forecast(policy(most_gb=3), stock(holding(a_day=1_000_000), disk=disk))
    assert coming.bound is Why.SIZE
    assert coming.days_left == pytest.approx(2, abs=0.1)


def test_a_class_with_a_size_of_its_own_grows_no_further() -> None:
    coming = forecast(policy(most_gb=5, events_gb=4), stock(holding(a_day=1_000_000)))
    assert coming.days_left is None
    assert coming.steady_bytes == pytest.approx(4 * GB)


def test_what_is_full_already_has_no_day_left() -> None:
    assert forecast(policy(most_gb=1), stock(holding(size=2.0, a_day=1))).days_left == pytest.approx(0, abs=0.1)


def test_an_empty_database_has_nothing_to_foresee() -> None:
    empty = [holding(kind, rows=0, size=0) for kind in Kind]
    assert forecast(policy(most_gb=1), stock(*empty)).days_left is None
    assert cuts_by_size(policy(most_gb=1), stock(*empty), NOW) == []
