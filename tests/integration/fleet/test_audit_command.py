"""`camfleet audit`: offline, over every program's trail, with one clear line for each."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.store.migrate import migrate as migrate_events
from fleet.home import Home
from tests.support.config_server import prepare_home

CAMFLEET = str(Path(sys.executable).with_name("camfleet"))


def camfleet(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "CAMFLEET_HOME": str(home.path)}
    return subprocess.run([CAMFLEET, *arguments], env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    settings = prepare_home(tmp_path / "home")
    migrate_events(settings)
    return settings.home


def test_a_whole_trail_is_confirmed_and_a_broken_one_named(home: Home) -> None:
    said = camfleet(home, "audit", "verify")
    assert said.returncode == 0, said.stderr
    assert "events: 0 chained rows" in said.stdout
    assert "config: " in said.stdout

    with sqlite3.connect(home.config_database) as connection:
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE id = 2")
    said = camfleet(home, "audit", "verify", "--program", "config")
    assert said.returncode == 1
    assert "config: row 2 is the first that is not right" in said.stderr


def test_trimming_says_when_there_is_nothing_so_old(home: Home) -> None:
    said = camfleet(home, "audit", "trim", "--keep-days", "30", "--program", "config")
    assert said.returncode == 0
    assert "older than 30 days" in said.stdout


def test_an_unknown_program_is_refused(home: Home) -> None:
    assert "config or events" in camfleet(home, "audit", "verify", "--program", "camera").stderr
