"""How fast ingest is: every question of bench.ingest, with the issue's bounds at full counts."""

from collections.abc import Callable

import pytest

from bench.ingest import FULL, Counts, delays_ms, measure_counts
from tests.support.postgres import require_postgres
from tests.support.scale import count, is_full

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# The broker needs a while at work before its thread says anything: it is held to its limit at full counts only.
REDUCED = Counts(backlog=2_000, live=4_000, steady=800, rounds=1, least_busy=0.0)


def test_ingest_keeps_pace(record_property: Callable[[str, object], None]) -> None:
    """Bounds are asserted at full counts only: a short run on a busy machine says nothing about time."""
    require_postgres()
    count(FULL.backlog, REDUCED.backlog, "events of a backlog, drained in each round by all three")
    figures = {figure.key: figure.value for figure in measure_counts(FULL if is_full() else REDUCED)}
    for key, value in figures.items():
        record_property(key, round(value, 3))
    assert all(value > 0 for value in figures.values())
    assert figures["rss_mb"] <= 200
    if is_full():
        assert figures["sqlite_ratio"] >= 1.0
        assert figures["postgres_ratio"] >= 0.8
        assert figures["live_ratio"] >= 0.8
        assert figures["commit_p95_ms"] < 150


def test_a_delay_runs_from_an_events_own_publish_to_the_first_look_that_found_it() -> None:
    sent_at = {"cam-a": [(1, 10.0), (3, 11.0)], "cam-b": [(1, 10.5)]}
    commits = [(10.25, 1), (11.5, 4)]
    numbers = [("cam-a", 1, 1), ("cam-a", 2, 3), ("cam-a", 3, 4), ("cam-b", 1, 2)]
    assert delays_ms(sent_at, commits, numbers) == [250.0, 500.0, 500.0, 1000.0]
