"""A full outbox keeps its limit whatever comes, drops in DESIGN's order, and says what is lost."""

import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from camera_agent.delivery.outbox import Outbox
from fleet.identifiers import uuid7
from fleet.messages import Change, Event
from tests.support.scale import count
from tests.unit.camera_agent.tracks import BEGIN, decision

EXAMPLES = count(400, 40, "sequences of decisions, receipts and limits")
GAP_BYTES = 1_000

# How far each of a few things in two streams gets in one step; receipts for some share of what is kept; a new life.
DECIDE = st.tuples(st.just("decide"), st.integers(0, 5), st.integers(1, 6))
END = st.tuples(st.just("end"), st.integers(0, 5), st.just(1))
CONFIRM = st.tuples(st.just("confirm"), st.integers(0, 9), st.integers(0, 9))
RESTART = st.tuples(st.just("restart"), st.just(0), st.just(0))
STEPS = st.lists(st.one_of(DECIDE, DECIDE, END, CONFIRM, RESTART), max_size=60)


@dataclass
class Kept:
    """One row, as a test looks at it."""

    seq: int
    stream: str
    event: Event

    @property
    def is_gap(self) -> bool:
        return self.event.change is Change.GAP


@dataclass
class Story:
    """An outbox, and what a fair observer notes beside it."""

    folder: Path
    limit_bytes: int
    open: dict[int, tuple[UUID, int]] = field(default_factory=dict)
    ended: dict[UUID, int] = field(default_factory=dict)
    delivered: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    delivered_gaps: dict[UUID, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.box = Outbox(self.folder / "outbox.db", BEGIN, limit_bytes=self.limit_bytes)

    def rows(self) -> list[Kept]:
        entries = self.box.between(1, self.box.newest(), 100_000)
        return [Kept(entry.seq, entry.stream, Event.decode(entry.payload)) for entry in entries]

    def take(self, step: tuple[str, int, int]) -> None:
        what, first, second = step
        before = self.rows()
        if what == "decide":
            for _ in range(second):
                self._decide(first, Change.UPDATE if first in self.open else Change.NEW)
        elif what == "end" and first in self.open:
            event_id, rev = self.open[first]
            self.ended[event_id] = rev + 1
            self._decide(first, Change.END)
            del self.open[first]
        elif what == "confirm":
            self._confirm([row for row in before if first <= row.seq % 10 <= second])
        elif what == "restart":
            self._restart()

    def _decide(self, thing: int, change: Change) -> None:
        before = self.rows()
        event_id, rev = self.open.get(thing, (uuid7(), 0))
        self.open[thing] = (event_id, rev + 1)
        self.box.append(f"s{thing % 2}", [decision(rev + 1, change, event_id, points=8)], BEGIN)
        self._check_order(before, self.rows())

    def _confirm(self, rows: list[Kept]) -> None:
        self.box.settle(self.box.id, [(row.seq, row.seq) for row in rows])
        for row in rows:
            event = row.event
            if row.is_gap:
                self.delivered_gaps[event.event_id] = max(self.delivered_gaps.get(event.event_id, 0), event.lost or 0)
            self.delivered[event.event_id] = max(self.delivered[event.event_id], event.rev)

    def _restart(self) -> None:
        self.box.close()
        self.box = Outbox(self.folder / "outbox.db", BEGIN, limit_bytes=self.limit_bytes)
        self.box.end_abandoned(BEGIN)
        self.ended |= {event_id: rev + 1 for event_id, rev in self.open.values()}
        self.open.clear()

    def _check_order(self, before: list[Kept], after: list[Kept]) -> None:
        """What went must be worth less than what stayed."""
        there = {row.seq for row in after}
        gone = [row for row in before if row.seq not in there and not row.is_gap]
        newest: dict[UUID, int] = defaultdict(int)
        for row in [*before, *after]:
            newest[row.event.event_id] = max(newest[row.event.event_id], row.event.rev)
        superseded = [row for row in after if _is_update(row) and row.event.rev < newest[row.event.event_id]]
        if any(not _is_update(row) or row.event.rev == newest[row.event.event_id] for row in gone):
            assert superseded == [], "an update that says nothing new outlived something better"
        if any(not _is_update(row) for row in gone):
            assert not any(_is_update(row) for row in after), "an update outlived a whole event"
            # Updates went before: an event is as old as the first of its other rows.
            first: dict[UUID, int] = {}
            for row in sorted([*before, *after], key=lambda row: row.seq):
                if not _is_update(row):
                    first.setdefault(row.event.event_id, row.seq)
            dropped = [first[row.event.event_id] for row in gone if not _is_update(row)]
            stayed = [first[row.event.event_id] for row in after if not row.is_gap]
            assert not stayed or max(dropped) < min(stayed), "an older event outlived a newer one"

    def check(self) -> None:
        rows = self.rows()
        size = sum(len(entry.payload) for entry in self.box.between(1, self.box.newest(), 100_000))
        depth = self.box.depth()
        assert (depth.rows, depth.size_bytes) == (len(rows), size)
        gaps = {row.event.event_id: row.event.lost or 0 for row in rows if row.is_gap}
        assert size <= self.limit_bytes + GAP_BYTES * len(gaps)
        assert len([row for row in rows if row.is_gap]) <= 2, "one gap of a stream says it all"
        self._check_told(rows, gaps)

    def _check_told(self, rows: list[Kept], waiting_gaps: dict[UUID, int]) -> None:
        """Each thing that ended is here, was delivered with its end, or is counted, once, in a gap."""
        kept: dict[UUID, int] = defaultdict(int)
        for row in rows:
            kept[row.event.event_id] = max(kept[row.event.event_id], row.event.rev)
        missing = [
            event_id for event_id, last in self.ended.items() if max(kept[event_id], self.delivered[event_id]) < last
        ]
        told = self.delivered_gaps | {
            event_id: max(lost, self.delivered_gaps.get(event_id, 0)) for event_id, lost in waiting_gaps.items()
        }
        assert sum(told.values()) == len(missing)


def _is_update(row: Kept) -> bool:
    return row.event.change is Change.UPDATE


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS, limit_bytes=st.sampled_from([1_500, 4_000, 9_000]))
def test_whatever_happens_the_limit_is_kept_in_the_right_order_and_nothing_is_lost_in_silence(
    steps: list[tuple[str, int, int]], limit_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), limit_bytes)
        for step in steps:
            story.take(step)
            story.check()
        story.box.close()


def test_an_event_that_is_still_open_is_not_lost_with_its_rows_since_its_end_will_come(tmp_path: Path) -> None:
    story = Story(tmp_path, 1_500)
    story.take(("decide", 0, 1))
    for thing in range(1, 6):
        story.take(("decide", thing, 1))
    assert not any(row.is_gap for row in story.rows())
    story.take(("end", 0, 1))
    assert [row.event.change for row in story.rows()].count(Change.END) == 1
    story.check()
