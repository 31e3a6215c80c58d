"""managed_start.sh at its rim: help, unknown words, shell quality; and the files that stand around it."""

import re
import subprocess
from pathlib import Path

import pytest

from bench.acceptance import CLAIMS, read_counts
from deploy.logrotate import write_rotation
from deploy.templates import ROOT
from fleet.settings import ServerSettings, load

SCRIPT = ROOT / "managed_start.sh"
COMMANDS = ("setup", "demo", "start", "stop", "restart", "status", "logs", "doctor", "test", "acceptance")


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("flag", ["--help", "-h", "help"])
def test_help_names_every_command(flag: str) -> None:
    done = call(flag)
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", done.stdout, re.MULTILINE), command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bogus"], "unknown command bogus"),
        (["start", "--fast"], "start knows no flag --fast"),
        (["status", "--yaml"], "status knows no flag --yaml"),
        (["stop", "now"], "stop takes at most 0"),
        (["logs", "a", "b"], "logs takes at most 1"),
    ],
)
def test_what_it_does_not_know_is_one_clear_line(arguments: list[str], said: str) -> None:
    done = call(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("file", ["managed_start.sh", ".ci/run"])
def test_the_shell_is_clean(file: str) -> None:
    done = subprocess.run(["shellcheck", ROOT / file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "set -euo pipefail" in (ROOT / file).read_text()


def test_log_rotation_is_accepted_and_reaches_every_log(tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path / "home")
    (tmp_path / "home" / "log").mkdir(parents=True)
    (tmp_path / "home" / "log" / "broker.log").write_text("line\n")
    rotation = write_rotation(settings)
    state = tmp_path / "state"
    command = ["logrotate", "-d", "-s", str(state), str(rotation)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    assert "broker.log" in done.stderr


def test_every_make_target_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):(.*)$", text, re.MULTILINE)
    assert targets
    assert all("## " in rest for _, rest in targets)


def test_every_claim_names_tests_that_exist() -> None:
    for claim in CLAIMS.values():
        assert all((ROOT / path).exists() for path in claim.tests), claim


def test_counts_of_a_run_are_read_with_what_tests_recorded(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="3" failures="1" errors="0" skipped="0"><testcase>'
        '<properties><property name="kills" value="100"/></properties></testcase></testsuite></testsuites>'
    )
    assert read_counts(report) == {"tests": 3, "failures": 1, "errors": 0, "skipped": 0, "kills": "100"}


def test_a_run_without_report_has_no_counts(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "none.xml") == {}


def test_pins_are_exact() -> None:
    for name in ("requirements.txt", "tests/requirements.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9A-Za-z.]*", line) for line in lines)
