"""A fleet's steady load: bench.fleet's first question, with its bounds at full counts."""

import pytest

from bench.fleet import FULL, Size, measure_steady
from tests.support.figures import Record, broken, keep
from tests.support.scale import count

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def test_a_thousand_cameras_lose_nothing_store_nothing_twice_and_lag_stays_flat(record_property: Record) -> None:
    size = Size(
        count(FULL.cameras, 20, "cameras, an event message a second each"),
        count(int(FULL.seconds), 4, "seconds"),
    )
    figures = measure_steady(size)
    assert keep(figures, record_property)["fleet_messages"] > size.cameras
    assert broken(figures) == []
