"""How fast ingest is: every question of bench.ingest, with the issue's bounds at full counts."""

import pytest

from bench.ingest import FULL, Counts, delays_ms, measure_counts
from tests.support.figures import Record, broken, keep
from tests.support.postgres import require_postgres
from tests.support.scale import count, is_full

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# The broker needs a while at work before its thread says anything: it is held to its limit at full counts only.
REDUCED = Counts(backlog=2_000, live=4_000, steady=800, rounds=1, least_busy=0.0)


def test_ingest_keeps_pace(record_property: Record) -> None:
    """Bounds are asserted at full counts only: a short run on a busy machine says nothing about time."""
    require_postgres()
    count(FULL.backlog, REDUCED.backlog, "events of a backlog, drained in each round by all three")
    figures = measure_counts(FULL if is_full() else REDUCED)
    found = keep(figures, record_property)
    assert all(value > 0 for value in found.values())
    # Whatever the counts.
    assert found["rss_mb"] <= 200
    assert broken(figures) == []


def test_a_delay_runs_from_an_events_own_publish_to_the_first_look_that_found_it() -> None:
    sent_at = {"cam-a": [(1, 10.0), (3, 11.0)], "cam-b": [(1, 10.5)]}
    commits = [(10.25, 1), (11.5, 4)]
    numbers = [("cam-a", 1, 1), ("cam-a", 2, 3), ("cam-a", 3, 4), ("cam-b", 1, 2)]
    assert delays_ms(sent_at, commits, numbers) == [250.0, 500.0, 500.0, 1000.0]
