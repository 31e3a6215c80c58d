"""What the pages ask takes less than the issue allows, with a million events on both databases."""

import pytest

from bench.queries import FULL_EVENTS, FULL_TIMES, measure_counts
from tests.support.figures import Record, broken, keep
from tests.support.scale import count

pytestmark = pytest.mark.timeout(900)


def test_every_question_of_the_pages_is_answered_in_time(record_property: Record) -> None:
    figures = measure_counts(count(FULL_EVENTS, 3_000, "events"), count(FULL_TIMES, 3, "times each question is asked"))
    assert keep(figures, record_property)["query_p95_ms"] > 0
    assert broken(figures) == []
