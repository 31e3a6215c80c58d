"""What identity costs: every question of bench.pki, with the issue's bounds at full counts."""

from collections.abc import Callable

import pytest

from bench.pki import FULL, Counts, measure_counts
from tests.support.scale import count, is_full

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

REDUCED = Counts(enrolments=30, bundles=10, crl_entries=2_000, revocations=1)


def test_identity_keeps_pace(record_property: Callable[[str, object], None]) -> None:
    """Bounds are asserted at full counts only: a short run on a busy machine says nothing about time."""
    count(FULL.enrolments, REDUCED.enrolments, "enrolments in each of three rounds")
    figures = {figure.key: figure.value for figure in measure_counts(FULL if is_full() else REDUCED)}
    for key, value in figures.items():
        record_property(key, round(value, 3))
    assert all(value > 0 for value in figures.values())
    if is_full():
        assert figures["enrol_ratio"] >= 0.12
        assert figures["bulk_1000_s"] < 30
        assert figures["crl_100k_s"] < 2
        assert figures["revoke_worst_s"] <= 5
