"""A session at the broker is begun anew exactly when it may hold other subscriptions."""

from pathlib import Path

import pytest

from dashboard.ingest.layout import KeptLayout


def test_an_unknown_layout_is_known_once_it_is_remembered(tmp_path: Path) -> None:
    layout = KeptLayout(tmp_path / "run" / "srv-ingest-1.subscriptions", "a" * 64)
    assert not layout.is_known
    layout.remember()
    assert layout.is_known
    assert not KeptLayout(layout.file, "b" * 64).is_known


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a" * 63])
def test_a_damaged_note_is_no_note(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "note"
    file.write_bytes(content)
    assert not KeptLayout(file, "a" * 64).is_known


def test_a_note_that_cannot_be_written_costs_a_new_session_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a folder")
    layout = KeptLayout(tmp_path / "run" / "note", "a" * 64)
    layout.remember()
    assert not layout.is_known
