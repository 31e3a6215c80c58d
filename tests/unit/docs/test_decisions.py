"""Decisions are numbered without a gap, listed, of one shape and short; the changelog knows this version."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.markdown import ROOT, Page

FOLDER = ROOT / "docs" / "decisions"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))
each_decision = pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_decisions_that_the_design_asks_for_are_there() -> None:
    assert len(DECISIONS) >= 11


def test_the_index_lists_every_decision_by_its_title() -> None:
    index = (FOLDER / "README.md").read_text()
    lines = [f"- [{path.name[:4]}]({path.name}) {_title(path)}" for path in DECISIONS]
    assert [line for line in lines if line not in index] == []


@each_decision
def test_a_decision_has_its_number_a_status_and_the_three_parts_in_order(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.name[:4]}: ")
    assert re.search(r"^Status: (accepted|replaced by \[\d{4}\]\(.+\)), \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


@each_decision
def test_a_decision_is_half_a_page(path: Path) -> None:
    assert len(Page(path).text.split()) <= 400


def test_the_newest_version_in_the_changelog_is_this_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert released[0][0] == project["version"]
    assert [day for _, day in released] == sorted((day for _, day in released), reverse=True)


def _title(path: Path) -> str:
    return path.read_text().partition("\n")[0].partition(": ")[2]
