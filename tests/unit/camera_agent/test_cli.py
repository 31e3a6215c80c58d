"""The command line: every mistake is one clear line that says what to do, and a non-zero exit."""

import logging
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from camera_agent.cli import app
from camera_agent.delivery.outbox import Outbox
from camera_agent.lock import AlreadyRunning, held
from camera_agent.state_file import StateFile
from camera_agent.vision.model import ModelRefused
from fleet.cli import run
from tests.support.agent import SAMPLE
from tests.support.authorities import Authorities
from tests.support.ports import free_port
from tests.unit.camera_agent.tracks import BEGIN, decision

TOKEN = "ABC123.0000-0000-0000-0000"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An agent that was enrolled, on the sample clip, whose broker is not there."""
    Authorities().write_client(tmp_path, "cam-front-1")
    lines = [
        'device_id = "cam-front-1"',
        'broker_host = "localhost"',
        f"broker_port = {free_port()}",
        f'[streams.main]\nsource = "file:{SAMPLE}"',
    ]
    (tmp_path / "agent.toml").write_text("\n".join(lines))
    return tmp_path


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """`run` takes over signals and logging, which belong to the tests' own process."""
    handlers, numbers = list(logging.getLogger().handlers), (signal.SIGTERM, signal.SIGINT)
    answers = [signal.getsignal(number) for number in numbers]
    yield
    logging.getLogger().handlers[:] = handlers
    for number, answer in zip(numbers, answers, strict=True):
        signal.signal(number, answer)


class Told:
    """What one run of the command said, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camfleet-agent", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(app, "camfleet-agent")
        printed = self.capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["run", "--home", "/nowhere/at/all"], "camfleet-agent enroll"),
        (["check", "--home", "/nowhere/at/all"], "camfleet-agent enroll"),
        (["enroll", "--server", "https://localhost:1", "--token", "hello"], "a token looks like"),
        (["enroll", "--server", "http://localhost:1", "--token", TOKEN], "https://"),
        (["enroll", "--server", "https://localhost:1", "--token", TOKEN], "check the address"),
        (["enroll", "--server", "https://x", "--token", TOKEN, "--ca", "/nowhere.pem"], "/nowhere.pem"),
        (["replay", "/nowhere.mp4", "--tracks", "t", "--events", "e"], "neither a file nor a folder"),
        (["replay", __file__, "--tracks", "t", "--events", "e"], "use another file"),
        (["replay", str(SAMPLE), "--tracks", "/nowhere/t", "--events", "e"], "/nowhere/t"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], advice: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, said = told(monkeypatch, *arguments)
    assert status != 0
    assert advice in said
    assert said.count("\n") == 1
    assert said.startswith("camfleet-agent: ")


@pytest.mark.parametrize(
    ("arguments", "name"), [(["run", "--speed", "9"], "--speed"), (["fly"], "fly"), (["replay"], "source")]
)
def test_an_unknown_or_missing_argument_is_refused_by_name(
    told: Told, monkeypatch: pytest.MonkeyPatch, arguments: list[str], name: str
) -> None:
    status, _, said = told(monkeypatch, *arguments)
    assert (status, said.count("\n")) == (2, 1)
    assert name in said


def test_a_label_that_the_model_does_not_have_is_refused(
    told: Told, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    with (home / "agent.toml").open("a") as settings:
        settings.write('\nlabels = ["unicorn"]\n')
    status, _, said = told(monkeypatch, "run", "--home", str(home))
    assert status == 1
    assert "unicorn" in said


def test_a_model_that_is_not_its_manifests_is_refused(told: Told, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def refuse() -> None:
        raise ModelRefused("model.onnx has another sha256: install the model again")

    monkeypatch.setattr("camera_agent.starting.load_default_model", refuse)
    status, _, said = told(monkeypatch, "run", "--home", str(home))
    assert (status, "install the model again" in said) == (1, True)


def test_a_certificate_for_another_device_is_refused(told: Told, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("CAMFLEET_AGENT_DEVICE_ID", "cam-other-1")
    status, _, said = told(monkeypatch, "run", "--home", str(home))
    assert (status, "cam-front-1" in said, "cam-other-1" in said) == (1, True, True)


def test_an_outbox_of_a_newer_release_is_refused_with_what_to_do(
    told: Told, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    with closing(sqlite3.connect(home / "outbox.db")) as outbox:
        outbox.execute("PRAGMA user_version = 99")
    status, _, said = told(monkeypatch, "run", "--home", str(home))
    assert (status, "outbox.db was written by a newer camfleet-agent" in said) == (1, True)
    assert f"camfleet-agent outbox set-aside --home {home}" in said
    _, shown, _ = told(monkeypatch, "check", "--home", str(home))
    assert "BAD  outbox" in shown
    status, _, said = told(monkeypatch, "outbox", "show", "--home", str(home))
    assert (status, "newer camfleet-agent" in said) == (1, True)


def test_what_waits_can_be_looked_at_and_put_aside(told: Told, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    status, _, said = told(monkeypatch, "outbox", "show", "--home", str(home))
    assert (status, "no outbox" in said) == (1, True)
    box = Outbox(home / "outbox.db", BEGIN)
    box.append("main", [decision()], BEGIN)
    status, shown, _ = told(monkeypatch, "outbox", "show", "--home", str(home))
    assert (status, str(box.id) in shown, "events that wait: 1 " in shown) == (0, True, True)
    box.close()
    status, shown, _ = told(monkeypatch, "outbox", "set-aside", "--home", str(home))
    [aside] = home.glob("outbox-*.db")
    assert (status, str(aside) in shown, (home / "outbox.db").exists()) == (0, True, False)
    status, _, said = told(monkeypatch, "outbox", "set-aside", "--home", str(home))
    assert (status, "nothing to put aside" in said) == (1, True)
    assert Outbox(aside, BEGIN).id == box.id


def test_an_outbox_is_not_put_aside_under_a_running_agent(
    told: Told, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    Outbox(home / "outbox.db", BEGIN).close()
    with held(home / "agent.lock"):
        status, _, said = told(monkeypatch, "outbox", "set-aside", "--home", str(home))
    assert (status, "already runs" in said) == (1, True)


def test_a_ledger_that_cannot_be_written_is_named(told: Told, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    status, _, said = told(monkeypatch, "run", "--home", str(home), "--ledger", "/nowhere/ledger")
    assert (status, "/nowhere/ledger" in said) == (1, True)


def test_a_ledger_may_be_named_in_the_environment_and_lies_in_the_home(
    told: Told, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("CAMFLEET_AGENT_LEDGER", "no-such-folder/ledger")
    _, _, said = told(monkeypatch, "run", "--home", str(home))
    assert f"{home}/no-such-folder/ledger" in said


def test_check_shows_settings_with_their_origin_and_each_fix(
    told: Told, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("CAMFLEET_AGENT_LOG_LEVEL", "debug")
    status, shown, said = told(monkeypatch, "check", "--home", str(home))
    assert "device_id = cam-front-1  (agent.toml)" in shown
    assert "log_level = debug  (CAMFLEET_AGENT_LOG_LEVEL)" in shown
    assert "health_interval_s = 15.0  (default)" in shown
    good = ("ok   model: nanodet", "ok   identity: cam-front-1", "ok   stream main: file, 768×576")
    assert all(line in shown for line in good)
    assert "BAD  broker: localhost" in shown
    assert (status, "1 of 6 checks failed" in said) == (1, True)


def test_check_hides_passwords(told: Told, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    text = (home / "agent.toml").read_text()
    (home / "agent.toml").write_text(text.replace(f"file:{SAMPLE}", "rtsp://anna:s3cret@127.0.0.1:1/live"))
    _, shown, said = told(monkeypatch, "check", "--home", str(home))
    assert "rtsp://…@127.0.0.1:1/live" in shown
    assert "s3cret" not in shown + said


def test_check_names_a_key_that_does_not_belong(told: Told, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    Authorities().write_client(home / "other", "cam-front-1")
    (home / "other" / "key.pem").replace(home / "key.pem")
    _, shown, _ = told(monkeypatch, "check", "--home", str(home))
    assert "BAD  identity" in shown
    assert "--force" in shown


def test_a_home_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path / "lock"), pytest.raises(AlreadyRunning, match="already runs"), held(tmp_path / "lock"):
        raise AssertionError("held twice")
    with held(tmp_path / "lock"):
        pass


def test_the_lock_goes_with_the_process_that_held_it(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from camera_agent.lock import held\n"
        "with held(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], check=False)
    with held(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text().isdigit()


def test_the_state_file_is_replaced_whole_and_a_bad_disk_is_survived(tmp_path: Path) -> None:
    StateFile(tmp_path / "state.json").write({"connected": True})
    assert '"connected": true' in (tmp_path / "state.json").read_text()
    StateFile(tmp_path / "nowhere" / "state.json").write({"connected": True})


def test_a_read_only_disk_at_the_start_is_said_in_one_line(
    told: Told, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    Outbox(home / "outbox.db", BEGIN).close()

    def open_read_only(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr("camera_agent.delivery.outbox_file.connect", open_read_only)
    status, _, said = told(monkeypatch, "run", "--home", str(home))
    assert (status, "make room or make it writable" in said) == (1, True)
