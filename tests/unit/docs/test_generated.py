"""The generated references say what the code says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from docs import generate
from fleet.messages import Change, Reason, StreamHealth
from fleet.settings import ServerSettings
from fleet.topics import CHANNELS
from tests.support.markdown import ROOT, pages

ELSEWHERE = {"CAMFLEET_AGENT_HOME", "CAMFLEET_TEST_EMQX"}


def known_variables() -> set[str]:
    kinds = generate.settings_classes()
    return ELSEWHERE | {generate.variable_of(kind, name) for kind in kinds for name in kind.model_fields}


def test_the_generated_parts_are_what_the_code_gives() -> None:
    stale = [str(path.relative_to(ROOT)) for path in generate.stale_files()]
    assert not stale, f"run: python docs/generate.py (out of date: {stale})"


def test_check_says_so_and_changes_nothing() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_channel_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert set(generate.MEANINGS) == {(rule.channel, rule.direction) for rule in CHANNELS}


def test_every_channel_and_reason_stands_in_the_topics_reference() -> None:
    text = (ROOT / "docs" / "topics.md").read_text()
    rows = re.findall(r"^\| `fleet/v1/<device>/\S+` \|", text, re.MULTILINE)
    assert len(rows) == len(CHANNELS)
    assert [reason for reason in Reason if f"`{reason}`" not in text] == []


def test_every_setting_is_described_and_stands_in_the_settings_reference() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for kind in generate.settings_classes():
        for name, field in generate.own_fields(kind).items():
            assert field.description, f"{kind.__name__}.{name} has no description"
            assert f"| `{generate.variable_of(kind, name)}` |" in text


def test_every_module_of_settings_is_found() -> None:
    found = {kind.__module__ for kind in generate.settings_classes()}
    assert {"fleet.settings", "config_server.settings", "camera_agent.settings"} <= found


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_document_names_a_variable_that_nobody_reads(page: object) -> None:
    named = re.findall(r"\bCAMFLEET_[A-Z_]*[A-Z]\b", getattr(page, "text", ""))
    assert set(named) - known_variables() == set()


def test_only_what_stands_between_markers_is_replaced() -> None:
    text = "before\n<!-- generated: one -->\nold\n<!-- end of generated -->\nafter\n"
    wanted = "before\n<!-- generated: one -->\nnew\n<!-- end of generated -->\nafter\n"
    assert generate.fill(text, {"one": lambda: "new\n"}) == wanted


def test_two_generated_parts_do_not_run_into_each_other() -> None:
    part = "<!-- generated: {0} -->\n<!-- end of generated -->\n"
    filled = generate.fill(part.format("a") + "kept\n" + part.format("b"), {"a": lambda: "1\n", "b": lambda: "2\n"})
    assert re.findall(r"^[12]|kept$", filled, re.MULTILINE) == ["1", "kept", "2"]


def test_a_marker_of_an_unknown_part_is_an_error() -> None:
    with pytest.raises(KeyError, match="nobody"):
        generate.fill("<!-- generated: nobody -->\n<!-- end of generated -->", {})


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "integer"),
        (str | None, "text"),
        (Annotated[float, Field(ge=0)], "number"),
        (tuple[float, float], "[number, number]"),
        (list[str], "list of text"),
        (Change, "`new`, `update`, `end`, `gap`"),
        (Reason | None, "[reason](#reasons)"),
        (dict[str, StreamHealth], "object: name → [StreamHealth](#streamhealth)"),
    ],
)
def test_types_are_told_in_words(annotation: object, words: str) -> None:
    assert generate.type_text(annotation) == words


def test_defaults_are_told_as_people_write_them() -> None:
    class Example(BaseModel):
        given: int
        nothing: str = ""
        none: Path | None = None
        on: bool = True
        box: tuple[float, float] = (0.0, 1.0)

    told = {name: generate.default_text(field) for name, field in Example.model_fields.items()}
    assert told == {"given": "required", "nothing": "empty", "none": "empty", "on": "`true`", "box": "`[0.0, 1.0]`"}


def test_a_variable_is_named_by_its_alias_where_it_has_one() -> None:
    assert generate.variable_of(ServerSettings, "home_folder") == "CAMFLEET_HOME"
    assert generate.variable_of(ServerSettings, "broker_port") == "CAMFLEET_BROKER_PORT"


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert generate.table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |\n"
