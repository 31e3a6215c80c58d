"""A disk that the outbox itself has filled: receipts must still empty it, with nobody there to make room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from camera_agent.delivery.outbox import Outbox, OutboxUnwritable
from fleet.messages import Change
from tests.support.small_disk import SmallDisk, small_disk
from tests.unit.camera_agent.tracks import BEGIN, decision


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 5_120) as found:
        yield found


def fill(box: Outbox, at_once: int) -> int:
    """Decide until the disk takes no more; returns how many it took."""
    kept = 0
    while True:
        try:
            kept += len(box.append("main", [decision(2, Change.END, points=32) for _ in range(at_once)], BEGIN))
        except OutboxUnwritable:
            return kept


@pytest.mark.parametrize("at_once", [1, 7, 40])
def test_receipts_empty_an_outbox_that_has_filled_its_own_disk(disk: SmallDisk, at_once: int) -> None:
    box = Outbox(disk.path / "outbox.db", BEGIN)
    for _ in range(3):
        kept = fill(box, at_once)
        assert kept >= 50
        newest = box.newest()
        # As they come: some now, some later, out of order.
        for low in [*range(1, newest, 200), *range(101, newest, 200)]:
            box.settle(box.id, [(low, low + 99)])
        box.settle(box.id, [(1, newest)])
        assert box.depth().rows == 0
        assert box.append("main", [decision(2, Change.END) for _ in range(20)], BEGIN)
        box.settle(box.id, [(1, box.newest())])
    box.close()


def test_a_full_disk_at_the_start_of_an_agent_does_not_keep_it_from_delivering(disk: SmallDisk) -> None:
    box = Outbox(disk.path / "outbox.db", BEGIN)
    box.append("main", [decision() for _ in range(10)], BEGIN)
    fill(box, 5)
    # Killed: it has no time to tidy up.
    again = Outbox(disk.path / "outbox.db", BEGIN)
    assert len(again.end_abandoned(BEGIN)) == 10
    again.settle(again.id, [(1, again.newest())])
    assert again.depth().rows == 0
    again.close()


def test_a_file_that_held_a_night_is_small_again_when_it_is_empty_and_its_numbers_go_on(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", BEGIN)
    for _ in range(20):
        box.append("main", [decision(2, Change.END, points=32) for _ in range(100)], BEGIN)
    large = (tmp_path / "outbox.db").stat().st_size
    box.settle(box.id, [(1, 1990)])
    assert [entry.seq for entry in box.between(1, 3000, 3000)] == list(range(1991, 2001))
    assert (tmp_path / "outbox.db").stat().st_size < large / 10
    box.settle(box.id, [(1, 2000)])
    assert [entry.seq for entry in box.append("main", [decision()], BEGIN)] == [2001]
    box.close()
