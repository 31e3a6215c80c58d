"""The outbox: written at once, never a number twice, emptied only by its own receipts."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_agent.delivery.entry import Entry
from camera_agent.delivery.outbox import Outbox, OutboxUnwritable
from camera_agent.delivery.outbox_file import OutboxUnusable
from fleet.messages import Change, Event
from tests.unit.camera_agent.fakes import ClockFake
from tests.unit.camera_agent.tracks import BEGIN, after, decision


@pytest.fixture
def clock() -> ClockFake:
    return ClockFake()


@pytest.fixture
def outbox(tmp_path: Path, clock: ClockFake) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", BEGIN, seconds=clock.seconds)
    yield box
    box.close()


def kept(outbox: Outbox) -> list[Entry]:
    return outbox.between(1, outbox.newest(), 10_000)


def raw(outbox: Outbox) -> sqlite3.Connection:
    assert outbox._db is not None
    return outbox._db


def seqs(outbox: Outbox) -> list[int]:
    return [entry.seq for entry in kept(outbox)]


def events(outbox: Outbox) -> list[Event]:
    return [Event.decode(entry.payload) for entry in kept(outbox)]


def test_an_event_says_where_it_is_kept_and_by_which_life(outbox: Outbox) -> None:
    [entry] = outbox.append("main", [decision()], after(2))
    event = Event.decode(entry.payload)
    assert (event.outbox, event.seq, event.session, event.ts) == (outbox.id, 1, outbox.session, after(2))
    assert (entry.stream, event.label, event.box) == ("main", "person", (0.1, 0.2, 0.3, 0.4))


def test_numbers_rise_through_all_streams(outbox: Outbox) -> None:
    outbox.append("a", [decision(), decision()], BEGIN)
    outbox.append("b", [decision()], BEGIN)
    assert seqs(outbox) == [1, 2, 3]


def test_nothing_to_keep_writes_nothing(outbox: Outbox) -> None:
    assert outbox.append("main", [], BEGIN) == []


def test_what_was_kept_is_there_after_reopening(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.db", BEGIN)
    entries = first.append("main", [decision(), decision()], BEGIN)
    first.close()
    second = Outbox(tmp_path / "outbox.db", after(1))
    assert (kept(second), second.id) == (entries, first.id)
    assert second.depth().size_bytes == sum(len(entry.payload) for entry in entries)
    second.close()


def test_what_was_kept_survives_a_crash_without_closing(tmp_path: Path) -> None:
    crashed = Outbox(tmp_path / "outbox.db", BEGIN)
    entries = crashed.append("main", [decision(), decision()], BEGIN)
    copy = Path(shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-crashed"))
    reopened = Outbox(copy / "outbox.db", BEGIN)
    assert kept(reopened) == entries
    reopened.close()
    crashed.close()


def test_a_number_is_never_used_again_even_after_all_rows_went(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.db", BEGIN)
    first.append("main", [decision(), decision()], BEGIN)
    first.settle(first.id, [(1, 2)])
    first.close()
    second = Outbox(tmp_path / "outbox.db", BEGIN)
    assert [entry.seq for entry in second.append("main", [decision()], BEGIN)] == [3]
    second.close()


def test_sessions_rise_even_when_the_clock_goes_back(tmp_path: Path) -> None:
    sessions = []
    for moment in (BEGIN, after(1), after(-9000), after(-9000)):
        box = Outbox(tmp_path / "outbox.db", moment)
        sessions.append(box.session)
        box.close()
    assert sessions == sorted(set(sessions))


def test_a_lost_file_begins_a_new_outbox_with_a_higher_session(tmp_path: Path) -> None:
    first, second = Outbox(tmp_path / "a.db", BEGIN), Outbox(tmp_path / "b.db", after(5))
    assert first.id != second.id
    assert second.session > first.session
    first.close()
    second.close()


def test_a_receipt_for_another_outbox_deletes_nothing(outbox: Outbox) -> None:
    outbox.append("main", [decision()], BEGIN)
    assert outbox.settle(uuid4(), [(1, 100)]) is False
    assert seqs(outbox) == [1]


def test_absurd_ranges_do_no_harm(outbox: Outbox) -> None:
    outbox.append("main", [decision()], BEGIN)
    outbox.settle(outbox.id, [(5, 2), (2, 1 << 80)])
    assert seqs(outbox) == [1]


def test_depth_tells_rows_bytes_and_age_of_the_oldest(outbox: Outbox, clock: ClockFake) -> None:
    assert outbox.depth().rows == 0
    outbox.append("main", [decision()], BEGIN)
    clock.passed_s = 20
    outbox.append("main", [decision()], after(20))
    clock.passed_s = 30
    depth = outbox.depth()
    assert (depth.rows, depth.oldest.total_seconds()) == (2, 30)
    outbox.settle(outbox.id, [(1, 2)])
    assert (outbox.depth().rows, outbox.depth().size_bytes) == (0, 0)


def test_one_row_can_be_asked_for_until_it_was_confirmed(outbox: Outbox) -> None:
    [entry] = outbox.append("main", [decision()], BEGIN)
    assert outbox.entries([1, 2]) == [entry]
    outbox.settle(outbox.id, [(1, 1)])
    assert outbox.entries([1, 2]) == []


def test_events_left_open_by_an_earlier_life_are_ended_once(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.db", BEGIN)
    ended, left = uuid4(), uuid4()
    first.append("main", [decision(1, Change.NEW, ended), decision(1, Change.NEW, left)], BEGIN)
    first.append("main", [decision(2, Change.END, ended), decision(2, Change.UPDATE, left)], BEGIN)
    first.settle(first.id, [(1, 4)])
    first.close()
    second = Outbox(tmp_path / "outbox.db", after(60))
    second.end_abandoned(after(60))
    [event] = events(second)
    assert (event.event_id, event.rev, event.change, event.ended_at) == (left, 3, Change.END, event.frame_ts)
    assert event.session == second.session
    assert second.end_abandoned(after(61)) == []
    second.close()


def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OutboxUnusable, match=r"newer .* install that release again, or run 'camfleet-agent outbox"):
        Outbox(tmp_path / "outbox.db", BEGIN)


def test_a_missing_folder_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(OutboxUnusable, match="nowhere"):
        Outbox(tmp_path / "nowhere" / "outbox.db", BEGIN)


def test_a_disk_that_takes_nothing_keeps_nothing_and_recovers(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", BEGIN)
    other = sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)
    raw(box).execute("PRAGMA max_page_count = 1")
    batch = [decision(points=32) for _ in range(100)]
    with pytest.raises(OutboxUnwritable, match="full"):
        box.append("main", batch, BEGIN)
    assert (seqs(box), box.depth().size_bytes) == ([], 0)
    raw(box).execute("PRAGMA max_page_count = 100000")
    assert len(box.append("main", batch, BEGIN)) == 100
    other.close()
    box.close()


def test_a_full_outbox_drops_superseded_updates_first(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", BEGIN, limit_bytes=20_000)
    walker = uuid4()
    box.append("main", [decision(1, Change.NEW, walker)], BEGIN)
    for rev in range(2, 60):
        box.append("main", [decision(rev, Change.UPDATE, walker)], BEGIN)
    kept = [(event.change, event.rev) for event in events(box)]
    assert kept[0] == (Change.NEW, 1)
    assert kept[-1] == (Change.UPDATE, 59)
    assert box.depth().size_bytes <= 20_000
    assert all(change is not Change.GAP for change, _ in kept)
    box.close()


def test_whole_events_go_last_oldest_first_and_one_gap_counts_them(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", BEGIN, limit_bytes=20_000)
    ids = [uuid4() for _ in range(100)]
    for event_id in ids:
        box.append("main", [decision(1, Change.NEW, event_id)], BEGIN)
        box.append("main", [decision(2, Change.END, event_id)], BEGIN)
    [gap] = [event for event in events(box) if event.change is Change.GAP]
    left = {event.event_id for event in events(box)} - {gap.event_id}
    assert gap.lost == 100 - len(left)
    assert gap.rev > 1
    assert left == set(ids[-len(left) :])
    box.close()


def test_each_stream_has_a_gap_of_its_own(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", BEGIN, limit_bytes=10_000)
    for _ in range(30):
        box.append("a", [decision(2, Change.END)], BEGIN)
        box.append("b", [decision(2, Change.END)], BEGIN)
    gaps = [e.stream for e in kept(box) if Event.decode(e.payload).change is Change.GAP]
    assert sorted(gaps) == ["a", "b"]
    box.close()


YEARS = st.integers(-50, 50).map(lambda years: after(years * 365 * 86_400))


@settings(max_examples=25, deadline=None)
@given(clocks=st.lists(YEARS, min_size=1, max_size=8), reopened=YEARS)
def test_a_clock_that_jumps_by_years_neither_reorders_events_nor_makes_an_age_negative(
    clocks: list[datetime], reopened: datetime
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = ClockFake()
        box = Outbox(Path(folder) / "outbox.db", clocks[0], seconds=clock.seconds)
        decided = []
        for now in clocks:
            [entry] = box.append("main", [decision()], now)
            decided.append(Event.decode(entry.payload).event_id)
            clock.passed_s += 60
        assert [event.event_id for event in events(box)] == decided
        assert box.depth().oldest.total_seconds() == 60 * len(clocks)
        box.close()
        again = Outbox(Path(folder) / "outbox.db", reopened, seconds=clock.seconds)
        assert again.session > box.session
        assert [event.event_id for event in events(again)] == decided
        assert again.depth().oldest.total_seconds() >= 0
        again.close()


RECEIPTS = st.lists(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=3), max_size=5)


@settings(max_examples=25, deadline=None)
@given(batches=st.lists(st.integers(1, 5), max_size=6), receipts=RECEIPTS, crash=st.booleans())
def test_exactly_what_receipts_name_is_gone_also_after_a_crash(
    batches: list[int], receipts: list[list[tuple[int, int]]], crash: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outbox.db"
        box = Outbox(path, BEGIN)
        for size in batches:
            box.append("main", [decision() for _ in range(size)], BEGIN)
        for ranges in receipts:
            box.settle(box.id, ranges)
        if crash:
            shutil.copytree(folder, Path(folder) / "crashed", ignore=shutil.ignore_patterns("crashed"))
            path = Path(folder) / "crashed" / "outbox.db"
        box.close()
        again = Outbox(path, BEGIN)
        named = {seq for ranges in receipts for low, high in ranges for seq in range(low, high + 1)}
        assert set(seqs(again)) == set(range(1, sum(batches) + 1)) - named
        assert again.depth().size_bytes == sum(len(e.payload) for e in kept(again))
        again.close()
