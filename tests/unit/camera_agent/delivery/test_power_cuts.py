"""Power cuts: whatever byte of the file was the last to reach the disk, what was committed is there, and no number
is given twice."""

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from camera_agent.delivery.outbox import Outbox
from tests.support.dying_outbox import MOST_AT_ONCE, die_at_work
from tests.support.scale import count
from tests.unit.camera_agent.tracks import BEGIN, decision

KILLS = count(200, 12, "kills of an outbox at work")
CUTS = count(2_000, 80, "places at which the log is torn")
SEED = int(os.environ.get("CAMFLEET_TEST_SEED", "7"))


def seqs(box: Outbox) -> set[int]:
    return {entry.seq for entry in box.between(1, 1 << 60, 1_000_000)}


def outbox_with_a_long_log(folder: Path) -> Outbox:
    """One whose log is not written back, so that all of it can be torn."""
    box = Outbox(folder / "outbox.db", BEGIN)
    assert box._db is not None
    box._db.execute("PRAGMA wal_autocheckpoint = 0")
    return box


def test_an_outbox_that_is_killed_again_and_again_keeps_its_word(tmp_path: Path) -> None:
    """What a life said is kept, the next one finds, unless it was settled; numbers and sessions only rise."""
    chance, path = random.Random(SEED), tmp_path / "outbox.db"  # noqa: S311
    said, settled, sessions, outboxes = set[int](), set[int](), list[int](), set[str]()
    for _ in range(KILLS):
        life = die_at_work(path, chance.randrange(2**31), chance.random() * 0.05)
        assert not said & life.kept, f"a number was given twice (seed {SEED})"
        said |= life.kept
        settled |= life.settled
        with closing(Outbox(path, BEGIN)) as box:
            here = seqs(box)
            assert said - settled <= here, f"what was kept is gone (seed {SEED})"
            # One commit more may have been made than could be said.
            assert len(here - said) <= MOST_AT_ONCE
            said |= here
            sessions += [life.session, box.session]
            outboxes |= {life.outbox, str(box.id)}
    assert sessions == sorted(set(sessions))
    assert len(outboxes) == 1


def test_a_log_torn_at_any_byte_loses_only_what_was_not_yet_committed(tmp_path: Path) -> None:
    box = outbox_with_a_long_log(tmp_path)
    log = tmp_path / "outbox.db-wal"
    steps = [(log.stat().st_size, set[int]())]
    for number in range(60):
        if number % 3 == 2:
            box.settle(box.id, [(number, number + 1)])
        else:
            box.append("main", [decision(points=number % 32 + 1) for _ in range(number % 4 + 1)], BEGIN)
        steps.append((log.stat().st_size, seqs(box)))
    chance = random.Random(SEED)  # noqa: S311
    edges = [size + by for size, _ in steps for by in (-1, 0, 1)]
    places = [*edges, *(chance.randrange(steps[0][0], steps[-1][0]) for _ in range(CUTS))]
    for place in chance.sample(places, min(CUTS, len(places))):
        _check_torn(tmp_path, min(max(place, steps[0][0]), steps[-1][0]), steps, chance)
    box.close()


def _check_torn(folder: Path, place: int, steps: list[tuple[int, set[int]]], chance: random.Random) -> None:
    """Open a copy whose log ends, or turns to garbage, at `place`."""
    torn = folder / "torn"
    shutil.rmtree(torn, ignore_errors=True)
    torn.mkdir()
    shutil.copy(folder / "outbox.db", torn)
    whole = (folder / "outbox.db-wal").read_bytes()
    tail = chance.choice([b"", b"\0" * (len(whole) - place), chance.randbytes(len(whole) - place)])
    (torn / "outbox.db-wal").write_bytes(whole[:place] + tail)
    while tail and whole[place] == tail[0]:
        # By luck it is what was written: torn only after it.
        place, tail = place + 1, tail[1:]
    committed = [kept for size, kept in steps if size <= place][-1]
    given = max((max(kept, default=0) for size, kept in steps if size <= place), default=0)
    with closing(Outbox(torn / "outbox.db", BEGIN)) as again:
        assert seqs(again) == committed, f"torn at {place} (seed {SEED})"
        [entry] = again.append("main", [decision()], BEGIN)
        assert entry.seq > given, f"torn at {place} (seed {SEED})"
    assert not list(torn.glob("*.damaged*"))


def test_a_power_cut_while_the_log_is_written_back_changes_nothing(tmp_path: Path) -> None:
    """Any of the pages may have reached the database, in any order: the log still has them all."""
    box = outbox_with_a_long_log(tmp_path)
    for _ in range(20):
        box.append("main", [decision(points=32) for _ in range(5)], BEGIN)
    box.settle(box.id, [(3, 40)])
    before, log, kept = (tmp_path / "outbox.db").read_bytes(), (tmp_path / "outbox.db-wal").read_bytes(), seqs(box)
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as other:
        other.execute("PRAGMA wal_checkpoint(FULL)")
    after = (tmp_path / "outbox.db").read_bytes()
    box.close()
    chance, page = random.Random(SEED), 4096  # noqa: S311
    for number in range(CUTS // 10):
        half = tmp_path / f"half-{number}"
        half.mkdir()
        grown = before.ljust(len(after), b"\0")
        pages = [chance.choice([grown, after])[at : at + page] for at in range(0, len(after), page)]
        (half / "outbox.db").write_bytes(b"".join(pages))
        (half / "outbox.db-wal").write_bytes(log)
        with closing(Outbox(half / "outbox.db", BEGIN)) as again:
            assert seqs(again) == kept, SEED
        shutil.rmtree(half)


@pytest.mark.parametrize("last_words", ["journal", "schema"])
def test_a_power_cut_while_the_file_is_made_leaves_one_that_opens(tmp_path: Path, last_words: str) -> None:
    path = tmp_path / "outbox.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        if last_words == "schema":
            db.execute("BEGIN IMMEDIATE")
            db.execute("CREATE TABLE meta (outbox TEXT NOT NULL, session INTEGER NOT NULL)")
    with closing(Outbox(path, BEGIN)) as box:
        assert [entry.seq for entry in box.append("main", [decision()], BEGIN)] == [1]


def test_an_empty_file_is_a_new_outbox(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").touch()
    with closing(Outbox(tmp_path / "outbox.db", BEGIN)) as box:
        assert box.append("main", [decision()], BEGIN)
