"""How large the next batch of deletions is, from how long the last one held the lock."""

import pytest

from dashboard.retention.sweep import BATCH_LEAST, BATCH_MOST, HOLD_S, fitting


def test_a_batch_that_was_quick_is_followed_by_a_larger_one_but_not_at_once_by_a_huge_one() -> None:
    assert fitting(100, rows=100, held_s=HOLD_S / 10) == 150


def test_a_batch_that_took_too_long_is_followed_by_one_that_fits() -> None:
    assert fitting(400, rows=400, held_s=HOLD_S * 4) == 100


@pytest.mark.parametrize(("held_s", "expected"), [(0.0, BATCH_MOST), (60.0, BATCH_LEAST)])
def test_batches_keep_between_their_bounds(held_s: float, expected: int) -> None:
    assert fitting(BATCH_MOST, rows=BATCH_MOST, held_s=held_s) == expected
