"""The folder of shared figures: in memory, private, and on the disk only where there is no other place."""

from pathlib import Path

import pytest

from fleet.figures import figures_folder
from fleet.home import Home


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    return folder


def test_it_lies_in_memory_is_private_and_stays_the_same(tmp_path: Path, memory: Path) -> None:
    home = Home(tmp_path / "home")
    first = figures_folder(home, "dashboard", memory)
    assert first.parent == memory
    assert first.stat().st_mode & 0o777 == 0o700
    assert figures_folder(home, "dashboard", memory) == first


def test_homes_and_programs_do_not_share(tmp_path: Path, memory: Path) -> None:
    homes = (Home(tmp_path / "one"), Home(tmp_path / "two"))
    folders = {figures_folder(home, program, memory) for home in homes for program in ("dashboard", "config_server")}
    assert len(folders) == 4


def test_without_such_memory_it_lies_in_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert figures_folder(home, "dashboard", tmp_path / "none") == home.run / "dashboard-metrics"


def test_a_folder_that_somebody_else_prepared_is_not_used(tmp_path: Path, memory: Path) -> None:
    home = Home(tmp_path / "home")
    taken = figures_folder(home, "dashboard", memory)
    taken.chmod(0o777)
    assert figures_folder(home, "dashboard", memory) == home.run / "dashboard-metrics"
    taken.rmdir()
    taken.symlink_to(tmp_path)
    assert figures_folder(home, "dashboard", memory) == home.run / "dashboard-metrics"
