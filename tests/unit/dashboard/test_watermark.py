"""What /health says of the disk once retention has told its watermark and the days that are left."""

from typing import Any

import pytest

from dashboard.health import with_watermark

DISK = {"status": "ok", "free_pct": 40.0, "free_bytes": 10**9}


def told(**said: Any) -> list[dict[str, Any]]:
    return [{"status": "ok", "retention": {"disk_used_pct": 60.0, "disk_high_pct": 85.0, "days_left": 12.5} | said}]


def test_the_watermark_and_the_days_left_stand_with_the_disk() -> None:
    assert with_watermark(DISK, told()) == DISK | {"high_pct": 85.0, "days_left": 12.5}


@pytest.mark.parametrize(("used", "status"), [(84.9, "ok"), (85.0, "degraded")])
def test_a_disk_above_its_watermark_is_degraded(used: float, status: str) -> None:
    assert with_watermark(DISK, told(disk_used_pct=used))["status"] == status


def test_a_disk_that_is_worse_stays_so() -> None:
    assert with_watermark(DISK | {"status": "down"}, told())["status"] == "down"


@pytest.mark.parametrize("said", [[], [{"status": "down"}], [{"status": "ok", "retention": {}}]])
def test_before_retention_has_looked_the_disk_speaks_for_itself(said: list[dict[str, Any]]) -> None:
    assert with_watermark(DISK, said) == DISK


def test_a_database_on_another_host_has_no_disk_here() -> None:
    assert with_watermark(DISK, told(disk_used_pct=None))["status"] == "ok"
