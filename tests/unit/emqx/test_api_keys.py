"""API keys for EMQX are made once, readable by their owner only, and never told."""

import re
import stat
from pathlib import Path

import pytest

from deploy import emqx_api_keys
from fleet.home import Home


def test_every_holder_gets_a_key_and_emqx_a_line_for_each(tmp_path: Path) -> None:
    home = Home(tmp_path)
    lines = emqx_api_keys.make_missing(home).read_text().splitlines()
    assert lines == [emqx_api_keys.key_file(home, holder).read_text().strip() for holder in emqx_api_keys.HOLDERS]
    assert all(re.fullmatch(r"camfleet-[a-z]+:[A-Za-z0-9_-]{43}", line) for line in lines)
    assert len(set(lines)) == len(lines)


def test_keys_that_are_there_stay(tmp_path: Path) -> None:
    first = emqx_api_keys.make_missing(Home(tmp_path)).read_text()
    assert emqx_api_keys.make_missing(Home(tmp_path)).read_text() == first


def test_a_key_that_was_taken_away_is_made_anew_and_the_other_stays(tmp_path: Path) -> None:
    home = Home(tmp_path)
    before = emqx_api_keys.make_missing(home).read_text().splitlines()
    emqx_api_keys.key_file(home, "courier").unlink()
    after = emqx_api_keys.make_missing(home).read_text().splitlines()
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True]


def test_nobody_else_can_read_them_and_nothing_of_them_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMFLEET_HOME", str(tmp_path / "home"))
    assert emqx_api_keys.main() == 0
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    said = capsys.readouterr().out
    assert [path for path in files if path.read_text().strip().split(":")[-1] in said] == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").write_text("not a folder")
    monkeypatch.setenv("CAMFLEET_HOME", str(tmp_path / "home"))
    assert emqx_api_keys.main() == 1
