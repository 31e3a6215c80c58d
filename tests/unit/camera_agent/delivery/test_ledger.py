"""The ledger holds every row before it can be sent, also after a crash and on a bad disk."""

import json
import os
from pathlib import Path
from uuid import uuid4

import pytest

from camera_agent.delivery.ledger import Ledger
from camera_agent.delivery.outbox import Outbox
from tests.unit.camera_agent.tracks import BEGIN, decision


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_is_the_event_as_sent_with_its_stream(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", BEGIN, ledger=Ledger(tmp_path / "ledger"))
    [entry] = box.append("main", [decision()], BEGIN)
    assert lines(tmp_path / "ledger") == [{"stream": "main", **json.loads(entry.payload)}]


def test_rows_that_a_crash_kept_from_the_ledger_are_added_at_the_next_start(tmp_path: Path) -> None:
    without = Outbox(tmp_path / "outbox.db", BEGIN)
    without.append("main", [decision(), decision()], BEGIN)
    without.close()
    box = Outbox(tmp_path / "outbox.db", BEGIN, ledger=Ledger(tmp_path / "ledger"))
    box.append("main", [decision()], BEGIN)
    assert [line["seq"] for line in lines(tmp_path / "ledger")] == [1, 2, 3]


def test_nothing_is_written_twice_after_a_restart(tmp_path: Path) -> None:
    for _ in range(3):
        box = Outbox(tmp_path / "outbox.db", BEGIN, ledger=Ledger(tmp_path / "ledger"))
        box.append("main", [decision()], BEGIN)
        box.close()
    assert [line["seq"] for line in lines(tmp_path / "ledger")] == [1, 2, 3]


def test_half_a_line_left_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    box = Outbox(tmp_path / "outbox.db", BEGIN, ledger=Ledger(path))
    box.append("main", [decision(), decision()], BEGIN)
    box.close()
    os.truncate(path, path.stat().st_size - 10)
    Outbox(tmp_path / "outbox.db", BEGIN, ledger=Ledger(path)).close()
    assert [line["seq"] for line in lines(path)] == [1, 2]


def test_another_outbox_begins_after_the_lines_of_the_old_one(tmp_path: Path) -> None:
    for name in ("a.db", "b.db"):
        box = Outbox(tmp_path / name, BEGIN, ledger=Ledger(tmp_path / "ledger"))
        box.append("main", [decision()], BEGIN)
        box.close()
    assert [line["seq"] for line in lines(tmp_path / "ledger")] == [1, 1]
    assert Ledger(tmp_path / "ledger").last_seq(uuid4()) == 0


def test_rows_are_held_back_while_the_ledger_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Outbox(tmp_path / "outbox.db", BEGIN, ledger=Ledger(tmp_path / "ledger"))

    def no_room(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", no_room)
        box.append("main", [decision()], BEGIN)
        assert box.between(1, box.newest(), 10) == []
    assert [entry.seq for entry in box.between(1, box.newest(), 10)] == [1]
    assert [line["seq"] for line in lines(tmp_path / "ledger")] == [1]
