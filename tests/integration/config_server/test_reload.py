"""Telling broker and nginx to read their files again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from config_server import reload
from config_server.reload import Reader, ReloadFailed, reload_changed
from config_server.settings import ConfigSettings
from fleet.settings import load
from tests.support.waiting import wait_until

WAITS_FOR_HUP = """
import pathlib, signal, sys
signal.signal(signal.SIGHUP, lambda *_: pathlib.Path(sys.argv[1], "reloaded").touch())
pathlib.Path(sys.argv[1], "ready").touch()
while True: signal.pause()
"""


def settings_in(folder: Path, **given: str) -> ConfigSettings:
    (folder / "run").mkdir(exist_ok=True)
    return load(ConfigSettings, CAMFLEET_HOME=folder, **given)


def test_a_command_from_the_settings_is_run(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, broker_reload_command=f"touch {tmp_path / 'reloaded'}")
    assert reload_changed(settings, frozenset()) == ["reloaded broker by its command"]
    assert (tmp_path / "reloaded").exists()


@pytest.mark.parametrize("command", ["false", "/no/such/program", "sh -c 'exit 3'", "unbalanced '"])
def test_a_command_that_fails_is_told(tmp_path: Path, command: str) -> None:
    with pytest.raises(ReloadFailed, match="reload command of broker"):
        reload_changed(settings_in(tmp_path, broker_reload_command=command), frozenset())


def test_nginx_is_reloaded_only_when_its_certificate_changed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, nginx_reload_command="true")
    assert reload_changed(settings, frozenset({"broker"})) == []
    assert reload_changed(settings, frozenset({"nginx"})) == ["reloaded nginx by its command"]


@pytest.mark.parametrize("content", [None, "", "garbage", "999999999"])
def test_a_reader_that_does_not_run_is_no_failure(tmp_path: Path, content: str | None) -> None:
    settings = settings_in(tmp_path)
    if content is not None:
        (tmp_path / "run" / "broker.pid").write_text(content)
    assert reload_changed(settings, frozenset()) == []


def test_another_program_under_an_old_pid_is_left_alone(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    (tmp_path / "run" / "broker.pid").write_text(str(os.getpid()))
    assert reload_changed(settings, frozenset()) == []


def test_the_process_of_the_pid_file_gets_the_signal(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", WAITS_FOR_HUP, str(tmp_path)])
    try:
        wait_until((tmp_path / "ready").exists, 10, "the process is ready")
        (tmp_path / "run" / "broker.pid").write_text(f"{process.pid}\n")
        reader = Reader("broker", "", psutil.Process(process.pid).name())
        assert reader.reload(settings) == f"reloaded broker (pid {process.pid})"
        wait_until((tmp_path / "reloaded").exists, 10, "the process was told")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_a_process_that_is_still_starting_is_not_ended_by_the_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "READY_S", 0.1)
    settings = settings_in(tmp_path)
    process = subprocess.Popen(["sleep", "600"])
    try:
        (tmp_path / "run" / "broker.pid").write_text(str(process.pid))
        with pytest.raises(ReloadFailed, match="still starting"):
            Reader("broker", "", "sleep").reload(settings)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(10)
