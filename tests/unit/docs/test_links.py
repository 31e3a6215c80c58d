"""Links lead somewhere, and the commands that the documents tell people to type exist."""

import re
import shlex
import subprocess
from functools import cache
from typing import Any
from urllib.parse import urldefrag

import pytest
import typer

from camera_agent.cli import app as agent_app
from deploy.supervisor.programs import server_programs
from fleet.cli import build_app
from fleet.settings import ServerSettings
from tests.support.markdown import ROOT, Flowchart, Page, anchor_of, pages

SCRIPT = "./managed_start.sh"
PROGRAMS = ("camfleet", "camfleet-agent", SCRIPT)
each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)


@each_page
def test_every_relative_link_leads_to_a_file_and_a_heading_that_exist(page: Page) -> None:
    assert [link for link in page.links() if not _resolves(page, link)] == []


@each_page
def test_every_command_in_a_shell_block_can_be_typed_as_it_stands(page: Page) -> None:
    assert [problem for line in _shell_commands(page) for problem in _problems(line, is_whole=True)] == []


@each_page
def test_every_command_in_a_flowchart_can_be_typed_as_it_stands(page: Page) -> None:
    assert [problem for line in _chart_commands(page) for problem in _problems(line, is_whole=True)] == []


@each_page
def test_every_command_named_in_the_text_exists_with_the_options_shown(page: Page) -> None:
    spans = [span for span in page.spans() if _is_command(span)]
    assert [problem for span in spans for problem in _problems(span, is_whole=False)] == []


def test_there_are_commands_to_check() -> None:
    found = [line for page in pages() for line in [*_shell_commands(page), *_chart_commands(page)]]
    assert {line.split()[0] for line in found} == set(PROGRAMS)


@pytest.mark.parametrize(
    "wrong",
    [
        "camfleet provison NAME",
        "camfleet devices show",
        "camfleet provision NAME --sight S",
        "camfleet ca",
        "camfleet-agent enroll --token T",
        "./managed_start.sh begin",
        "./managed_start.sh start --background",
        "./managed_start.sh logs one two",
        "./managed_start.sh logs brocker",
    ],
)
def test_a_command_that_does_not_exist_is_noticed(wrong: str) -> None:
    assert _problems(wrong, is_whole=True)


@pytest.mark.parametrize("group", ["camfleet ca", "camfleet ca …", "camfleet-agent enroll", "camfleet provision"])
def test_the_text_may_name_a_command_without_its_arguments(group: str) -> None:
    assert _problems(group, is_whole=False) == []


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("A camera is offline", "a-camera-is-offline"),
        ("camera_agent: StreamSettings", "camera_agent-streamsettings"),
        ("1. Give the host its name", "1-give-the-host-its-name"),
        ("The `camfleet` command", "the-camfleet-command"),
    ],
)
def test_anchors_are_made_as_a_forge_makes_them(heading: str, anchor: str) -> None:
    assert anchor_of(heading) == anchor


def _resolves(page: Page, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    target, anchor = urldefrag(link)
    path = (page.path.parent / target).resolve() if target else page.path
    if not path.exists():
        return False
    return not anchor or path.suffix != ".md" or anchor in Page(path).anchors()


def _is_command(text: str) -> bool:
    return text.startswith(tuple(f"{program} " for program in PROGRAMS))


def _shell_commands(page: Page) -> list[str]:
    lines = [line.strip() for block in page.blocks("sh", "bash", "shell", "console") for line in block.splitlines()]
    return [line for line in (line.removeprefix("$ ") for line in lines) if _is_command(line)]


def _chart_commands(page: Page) -> list[str]:
    charts = [Flowchart.parse(block) for block in page.blocks("mermaid") if block.startswith("flowchart")]
    parts = [part for chart in charts for label in chart.labels.values() for part in label.split("<br>")]
    return [part for part in parts if _is_command(part)]


def _problems(line: str, *, is_whole: bool) -> list[str]:
    return [problem for problem in [_problem(line, is_whole=is_whole)] if problem]


def _problem(line: str, *, is_whole: bool) -> str | None:
    program, *words = [word for word in shlex.split(line, comments=True) if word != "…"]
    if program == SCRIPT:
        return _script_problem(line, words)
    return _typer_problem(line, program, words, is_whole=is_whole)


def _typer_problem(line: str, program: str, words: list[str], *, is_whole: bool) -> str | None:
    command = _app(program)
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"{line}: {program} has no command {name}"
        command = command.commands[name]
    if is_whole:
        return _usage_problem(line, command, words)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    return f"{line}: no option {unknown[0]}" if unknown else None


def _usage_problem(line: str, command: Any, words: list[str]) -> str | None:
    """Have the command's own parser read the words; nothing is run."""
    if hasattr(command, "commands"):
        return f"{line}: names no command"
    try:
        command.make_context(line, words)
    except typer.Exit:
        return None
    except Exception as refusal:  # noqa: BLE001  (whatever the parser says is the finding)
        return f"{line}: {refusal or type(refusal).__name__}"
    return None


@cache
def _app(program: str) -> Any:
    return typer.main.get_command(build_app() if program == "camfleet" else agent_app)


def _script_problem(line: str, words: list[str]) -> str | None:
    flags = {word for word in words if word.startswith("-")}
    name, *arguments = [word for word in words if word not in flags] or ["--help"]
    usage = _script_usage().get(name)
    if usage is None or not flags <= set(re.findall(r"--[a-z]+", usage)) | {"--help"}:
        return f"{line}: not in {SCRIPT} --help"
    if len(arguments) > len(re.findall(r"\[[A-Z]+\]", usage)):
        return f"{line}: too many arguments"
    if name == "logs" and arguments and arguments[0] not in _log_names():
        return f"{line}: no program writes that log"
    return None


@cache
def _script_usage() -> dict[str, str]:
    said = subprocess.run([SCRIPT, "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20)
    lines = re.findall(r"^  ([a-z]+)((?: \[[^\]]+\])*)  ", said.stdout, re.MULTILINE)
    return {"--help": "", **dict(lines)}


@cache
def _log_names() -> set[str]:
    return {program.name for program in server_programs(ServerSettings())} | {"cam-ID", "PROGRAM", "supervisor"}
