"""The frame of every command: one clear line for a person, and an exit code for a script."""

import sys

import pytest
import typer

from fleet.cli import CommandFailed, build_app, new_app, run
from fleet.settings import SettingsError


def _run(monkeypatch: pytest.MonkeyPatch, app: typer.Typer, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["tool", *arguments])
    with pytest.raises(SystemExit) as ended:
        run(app, "tool")
    return ended.value.code


def _app() -> typer.Typer:
    app = new_app("A tool.")

    @app.command()
    def fail(how: str) -> None:
        if how == "refused":
            raise CommandFailed("no such camera: provision it first", exit_code=4)
        if how == "settings":
            raise SettingsError(["CAMFLEET_A: bad", "CAMFLEET_B: bad"])
        if how == "file":
            raise FileNotFoundError(2, "No such file or directory", "/nowhere")
        if how == "disk":
            raise OSError(28, "No space left on device")
        raise typer.Exit(3)

    @app.command()
    def other() -> None:
        """Exist, so that the tool has commands."""

    return app


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fail", "refused"], 4, "tool: no such camera: provision it first\n"),
        (["fail", "settings"], 2, "tool: CAMFLEET_A: bad\ntool: CAMFLEET_B: bad\n"),
        (["fail", "file"], 1, "tool: No such file or directory: /nowhere: check the path\n"),
        (["fail", "disk"], 1, "tool: No space left on device: make room on that disk, then try again\n"),
        (["fail", "quietly"], 3, ""),
        (["--nope"], 2, "tool: No such option: --nope (see tool --help)\n"),
        (["fail"], 2, "tool: Missing argument 'how'. (see tool --help)\n"),
        (["nope"], 2, "tool: No such command 'nope'. (see tool --help)\n"),
    ],
)
def test_every_failure_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert _run(monkeypatch, _app(), *arguments) == code
    assert capsys.readouterr().err == said


def test_success_ends_with_zero_and_a_bare_call_with_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, _app(), "other") in (0, None)
    assert _run(monkeypatch, _app()) == 2
    assert "A tool." in "".join(capsys.readouterr())


def test_every_program_contributes_its_commands() -> None:
    app = build_app()
    groups = {group.name for group in app.registered_groups}
    assert {"ca", "devices", "people"} <= groups
