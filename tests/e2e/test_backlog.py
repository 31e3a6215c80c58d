"""One camera's return beside live ones: bench.fleet's second question, with its bounds at full counts."""

import pytest

from bench.fleet import FULL_BACKLOG, measure_return
from bench.fleet_backlog import Backlog
from tests.support.figures import Record, broken, keep
from tests.support.scale import count

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_camera_that_comes_back_with_a_backlog_does_not_delay_the_others(record_property: Record) -> None:
    wanted = Backlog(
        count(FULL_BACKLOG.events, 300, "events that waited"),
        count(FULL_BACKLOG.live_cameras, 10, "other cameras"),
    )
    figures = measure_return(wanted)
    assert keep(figures, record_property)["backlog_live_p95_ms"] > 0
    assert broken(figures) == []
