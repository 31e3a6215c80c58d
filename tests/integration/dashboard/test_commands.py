"""`camfleet people …` as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from dashboard.store.migrate import migrate
from fleet.settings import ServerSettings, load

CAMFLEET = str(Path(sys.executable).with_name("camfleet"))


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CAMFLEET_HOME": str(home)}
    return subprocess.run([CAMFLEET, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def test_the_first_admins_password_is_shown_once(tmp_path: Path) -> None:
    migrate(load(ServerSettings, CAMFLEET_HOME=tmp_path))
    first = run(tmp_path, "people", "ensure-admin")
    assert "password: " in first.stdout
    again = run(tmp_path, "people", "ensure-admin")
    assert again.returncode == 0
    assert "password: " not in again.stdout
    assert "reset-password" in again.stdout
    assert json.loads(run(tmp_path, "people", "ensure-admin", "--json").stdout) == {"name": "admin", "password": None}


def test_a_lost_password_is_replaced(tmp_path: Path) -> None:
    migrate(load(ServerSettings, CAMFLEET_HOME=tmp_path))
    run(tmp_path, "people", "ensure-admin")
    fresh = json.loads(run(tmp_path, "people", "reset-password", "admin", "--json").stdout)
    assert len(fresh["password"]) == 23


def test_failures_are_one_line_that_names_what_to_do(tmp_path: Path) -> None:
    unmigrated = run(tmp_path, "people", "ensure-admin")
    assert (unmigrated.returncode, unmigrated.stderr.count("\n")) == (1, 1)
    assert "camfleet migrate" in unmigrated.stderr
    migrate(load(ServerSettings, CAMFLEET_HOME=tmp_path))
    nobody = run(tmp_path, "people", "reset-password", "nobody")
    assert (nobody.returncode, nobody.stderr.count("\n")) == (1, 1)
    assert "nobody" in nobody.stderr
