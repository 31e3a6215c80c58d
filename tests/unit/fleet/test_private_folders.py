"""Folders of a host's state are for their owner only, the ones above them too."""

import stat
from pathlib import Path

from fleet.home import make_private_folder, write_file


def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    for folder in ("a", "a/b", "a/b/c"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert make_private_folder(tmp_path) == tmp_path
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_file_makes_private_folders_above_itself(tmp_path: Path) -> None:
    write_file(tmp_path / "x" / "y" / "key.pem", b"secret")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "x" / "y" / "key.pem").stat().st_mode) == 0o600
