"""What a long backlog costs: the same for each row, however many wait. Counted in SQLite's steps, not in time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from camera_agent.delivery.outbox import Outbox
from camera_agent.delivery.publisher import Publisher
from camera_agent.delivery.resend import ResendSchedule
from fleet.messages import Receipt
from tests.support.scale import count
from tests.unit.camera_agent.fakes import ClockFake, LinkFake
from tests.unit.camera_agent.tracks import BEGIN, decision

LONG = count(100_000, 8_000, "rows of the long backlog")
SHORT = LONG // 8
BATCH = 1_000
STEPS = 100


class Meter:
    """Counts the steps that an outbox lets SQLite take."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.steps = 0
        self.clock, self.link = ClockFake(), LinkFake()
        folder.mkdir()
        self.outbox = Outbox(folder / "outbox.db", BEGIN, seconds=self.clock.seconds)
        for _ in range(rows // BATCH):
            self.outbox.append("main", [decision() for _ in range(BATCH)], BEGIN)
        assert self.outbox._db is not None
        self.outbox._db.set_progress_handler(self._tick, STEPS)

    def _tick(self) -> None:
        self.steps += 1

    def drain(self) -> None:
        """Let a publisher send everything, with a receipt a second."""
        publisher = Publisher("cam-front-1", self.outbox, self.link, lambda: None, self.clock, backfill_rate=2000)
        publisher.reconnected()
        through = 0
        while self.outbox.depth().rows:
            publisher.step()
            through = max(through, *publisher.late.schedule._sent, 0)
            self.clock.passed_s += 0.5
            receipt = Receipt(ts=BEGIN, server_ts=BEGIN, outbox=self.outbox.id, committed=[(1, max(1, through))])
            publisher.take_receipt(receipt.encode())


@pytest.fixture
def meters(tmp_path: Path) -> Iterator[tuple[Meter, Meter]]:
    short, long = Meter(tmp_path / "short", SHORT), Meter(tmp_path / "long", LONG)
    yield short, long
    short.outbox.close()
    long.outbox.close()


def test_a_row_of_a_long_backlog_costs_what_one_of_a_short_one_does(meters: tuple[Meter, Meter]) -> None:
    short, long = meters
    short.drain()
    long.drain()
    assert 0 < long.steps / LONG <= 1.5 * short.steps / SHORT


def test_asking_for_the_depth_costs_nothing_that_grows(meters: tuple[Meter, Meter]) -> None:
    for meter in meters:
        for _ in range(100):
            meter.outbox.depth()
            meter.outbox.newest()
    short, long = meters
    assert long.steps <= short.steps + 5


def test_a_schedule_of_many_gives_what_is_due_without_looking_at_the_rest() -> None:
    """The queue behind it stays as long as what is under way, also when every row is sent again and again."""
    schedule = ResendSchedule()
    for again in range(20):
        for seq in range(1, LONG // 10):
            schedule.sent(seq, again * 1000.0)
    assert len(schedule._queue) <= 2 * len(schedule) + 64
    assert schedule.due(1e9, 5) == schedule.due(1e9)[:5]
    schedule.settle([(1, LONG)])
    assert (len(schedule), schedule.due(1e9), schedule.next_due_s()) == (0, [], None)
