"""Receipts: exact ranges, prompt first, at most one a second per camera."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from dashboard.ingest.receipts import MOST_RANGES, Committed, Owed, Receipts, to_ranges, together

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
OUTBOX, OTHER = UUID(int=1), UUID(int=2)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def committed(*seqs: int, device: str = "cam-front", outbox: UUID = OUTBOX) -> Owed:
    return together(Committed(device, outbox, seq) for seq in seqs)


@given(st.sets(st.integers(1, 300)))
def test_ranges_cover_exactly_what_was_committed_and_never_touch(seqs: set[int]) -> None:
    ranges = to_ranges(seqs)
    assert {seq for low, high in ranges for seq in range(low, high + 1)} == seqs
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(ranges))


def test_the_first_receipt_goes_at_once() -> None:
    receipts = Receipts()
    receipts.add(committed(1, 2, 3, 7))
    [(device, receipt)] = receipts.take_due(NOW)
    assert (device, receipt.outbox, receipt.committed) == ("cam-front", OUTBOX, [(1, 3), (7, 7)])
    assert receipts.take_due(NOW) == []


def test_further_ones_wait_for_a_second_and_say_everything_since() -> None:
    receipts = Receipts()
    receipts.add(committed(1))
    receipts.take_due(NOW)
    receipts.add(committed(2))
    receipts.add(committed(3))
    assert receipts.take_due(after(0.9)) == []
    assert receipts.wait(after(0.9)) == timedelta(seconds=0.1)
    assert [receipt.committed for _, receipt in receipts.take_due(after(1))] == [[(2, 3)]]


def test_one_camera_does_not_wait_for_another() -> None:
    receipts = Receipts()
    receipts.add(committed(1))
    receipts.take_due(NOW)
    receipts.add(committed(1, device="cam-garden"))
    assert [device for device, _ in receipts.take_due(after(0.1))] == ["cam-garden"]


def test_each_outbox_of_a_camera_gets_its_own() -> None:
    receipts = Receipts()
    receipts.add(committed(1) | committed(1, outbox=OTHER))
    assert {receipt.outbox for _, receipt in receipts.take_due(NOW)} == {OUTBOX, OTHER}


def test_nothing_to_say_means_nothing_to_wait_for() -> None:
    assert Receipts().wait(NOW) is None


def test_many_cameras_that_wait_each_get_theirs_when_it_is_due() -> None:
    receipts = Receipts()
    for number in range(50):
        receipts.add(committed(1, device=f"cam-{number}"))
        receipts.take_due(after(number / 100))
        receipts.add(committed(2, device=f"cam-{number}"))
    due = [device for at in range(50) for device, _ in receipts.take_due(after(1 + at / 100))]
    assert due == [f"cam-{number}" for number in range(50)]
    assert receipts.wait(after(2)) is None


def test_a_clock_that_was_set_back_does_not_hold_receipts() -> None:
    receipts = Receipts()
    receipts.add(committed(1))
    receipts.take_due(after(3600))
    receipts.add(committed(2))
    assert receipts.take_due(NOW)


def test_scattered_numbers_are_split_into_receipts_that_a_camera_can_read() -> None:
    receipts = Receipts()
    receipts.add(committed(*range(1, 2 * MOST_RANGES + 10, 2)))
    sizes = [len(receipt.committed) for _, receipt in receipts.take_due(NOW)]
    assert sizes == [MOST_RANGES, 5]
