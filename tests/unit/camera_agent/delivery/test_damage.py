"""A damaged outbox is put aside, what can be read of it is taken over, and a gap says that more may be gone."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from camera_agent.delivery import outbox_file, salvage
from camera_agent.delivery.ledger import Ledger
from camera_agent.delivery.outbox import Outbox, OutboxUnwritable
from fleet.messages import Change, Event
from tests.unit.camera_agent.tracks import BEGIN, after, decision

PAGE = 4096
STREAMS = ("main", "side")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def filled(path: Path, rows: int = 200) -> list[Event]:
    """A closed outbox of many pages, all of them in the database itself."""
    with closing(Outbox(path, BEGIN)) as box:
        box.append("main", [decision(points=32) for _ in range(rows)], BEGIN)
        return events(box)


def events(box: Outbox) -> list[Event]:
    return [Event.decode(entry.payload) for entry in box.between(1, box.newest(), 100_000)]


def spoil(path: Path, *pages: int) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(b"\xa5" * PAGE)


def gaps(box: Outbox) -> list[tuple[str, int | None]]:
    entries = [(entry.stream, Event.decode(entry.payload)) for entry in box.between(1, box.newest(), 100_000)]
    return [(stream, event.lost) for stream, event in entries if event.change is Change.GAP]


def test_what_is_no_database_is_put_aside_and_a_new_outbox_begins(path: Path) -> None:
    path.write_bytes(b"this is not a database at all" * 1000)
    with closing(Outbox(path, BEGIN)) as box:
        assert box.append("main", [decision()], BEGIN)[0].seq == 1
        assert box.say_damage(STREAMS, BEGIN)
        assert sorted(gaps(box)) == [("main", None), ("side", None)]
    assert path.with_name("outbox.db.damaged").read_bytes().startswith(b"this is not")


def test_what_can_still_be_read_from_both_ends_is_taken_over_with_all_but_its_place(path: Path) -> None:
    before = filled(path)
    spoil(path, 20)
    with closing(Outbox(path, after(60))) as box:
        found = events(box)
        by_id = {event.event_id: event for event in before}
        assert 0 < len(found) < len(before)
        assert {event.outbox for event in found} == {box.id} != {before[0].outbox}
        assert [event.seq for event in found] == list(range(1, len(found) + 1))
        place = {"outbox": box.id, "session": before[0].session}
        assert [event for event in found] == [
            by_id[event.event_id].model_copy(update={**place, "seq": event.seq}) for event in found
        ]
        kept = {event.event_id for event in found}
        assert {before[0].event_id, before[-1].event_id} <= kept


@pytest.mark.parametrize("spoilt", [(0,), (1,), (2, 3, 4), tuple(range(5, 60)), tuple(range(1, 60))])
def test_whatever_pages_are_bad_the_camera_goes_on(path: Path, spoilt: tuple[int, ...]) -> None:
    filled(path)
    spoil(path, *spoilt)
    with closing(Outbox(path, after(60))) as box:
        assert box.append("main", [decision()], after(60))
        assert box.say_damage(STREAMS, after(60))
        assert len(gaps(box)) == 2
    with closing(Outbox(path, after(90))) as box:
        assert not box.say_damage(STREAMS, after(90))
        assert len(gaps(box)) == 2


@pytest.mark.parametrize("size", [1, 100, 4096, 4097, 20_000])
def test_a_file_that_was_cut_short_is_one_of_these(path: Path, size: int) -> None:
    filled(path)
    with path.open("r+b") as file:
        file.truncate(size)
    with closing(Outbox(path, after(60))) as box:
        assert box.append("main", [decision()], after(60))


def test_what_was_open_before_the_damage_is_ended_after_it(path: Path) -> None:
    left = uuid4()
    with closing(Outbox(path, BEGIN)) as box:
        box.append("main", [decision(points=32) for _ in range(200)], BEGIN)
        box.append("main", [decision(3, Change.UPDATE, left)], BEGIN)
    spoil(path, 20)
    with closing(Outbox(path, after(60))) as box:
        box.end_abandoned(after(60))
        assert (left, 4, Change.END) in [(event.event_id, event.rev, event.change) for event in events(box)]


def test_damage_under_a_living_agent_costs_one_refusal_and_no_restart(path: Path) -> None:
    before = filled(path)
    box = Outbox(path, after(60))
    session = box.session
    spoil(path, *range(1, 60))
    assert box._db is not None
    box._db.execute("PRAGMA shrink_memory")
    with pytest.raises(OutboxUnwritable):
        box.settle(box.id, [(1, 200)])
    assert box.append("main", [decision()], after(62))
    assert (box.session, box.id != before[0].outbox) == (session, True)
    assert box.say_damage(STREAMS, after(63))
    box.close()


def test_the_gap_is_said_also_after_a_crash_in_between(path: Path) -> None:
    filled(path)
    spoil(path, 20)
    Outbox(path, after(60)).close()
    with closing(Outbox(path, after(90))) as box:
        assert box.say_damage(STREAMS, after(90))
        assert len(gaps(box)) == 2


@pytest.mark.parametrize("dies_in", ["take_over", "done"])
def test_a_crash_while_it_is_taken_over_begins_that_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    before = filled(path)
    spoil(path, 20)

    class PowerCut(BaseException): ...

    def die(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as dying:
        dying.setattr(salvage, dies_in, die)
        with pytest.raises(PowerCut):
            Outbox(path, after(60))
    with closing(Outbox(path, after(90))) as box:
        found = {event.event_id for event in events(box)}
        assert {before[0].event_id, before[-1].event_id} <= found
        assert box.say_damage(STREAMS, after(90))


def test_a_disk_that_fails_or_is_full_is_no_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is good must never be put aside because the disk had no room for a moment."""
    filled(path)

    def refuse(connect: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
        def refused(*_: object, **__: object) -> sqlite3.Connection:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

        return refused

    with monkeypatch.context() as full:
        full.setattr(sqlite3, "connect", refuse(sqlite3.connect))
        with pytest.raises(outbox_file.OutboxUnusable, match="make room"):
            Outbox(path, after(60))
    assert not list(path.parent.glob("*.damaged*"))
    with closing(Outbox(path, after(90))) as box:
        assert box.depth().rows == 200


def test_only_the_last_damaged_file_is_kept(path: Path) -> None:
    for seconds in (60, 120):
        path.write_bytes(f"broken at {seconds} ".encode() * 1000)
        path.with_name("outbox.db-wal").unlink(missing_ok=True)
        Outbox(path, after(seconds)).close()
    assert path.with_name("outbox.db.damaged").read_bytes().startswith(b"broken at 120")
    assert len(list(path.parent.glob("*.damaged*"))) == 1


def test_what_is_taken_over_is_in_the_ledger_before_it_is_sent(path: Path, tmp_path: Path) -> None:
    filled(path)
    spoil(path, 20)
    with closing(Outbox(path, after(60), ledger=Ledger(tmp_path / "ledger"))) as box:
        assert len((tmp_path / "ledger").read_text().splitlines()) == box.newest() == len(events(box))
