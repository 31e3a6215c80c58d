"""docs/performance.md is what the kept runs give, and says of each figure all that a reader needs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.performance import holds, read_results, render
from bench.places import PAGE, RESULTS, ROOT
from bench.report import Figure, as_record, keep
from bench.simfleet.faults import FAULTS
from bench.suite import BENCHES, aligned, last_record, plain

RUN: dict[str, Any] = {
    "bench": "ingest",
    "machine": {"cores": 2, "memory_gib": 23.5, "system": "Linux", "python": "3.11.7"},
    "commit": "abc123def456",
    "at": "2026-11-21T20:00:00+00:00",
    "reduced": False,
    "figures": {"rss_mb": 120, "sqlite_ratio": 2.34567, "events": 10_000, "fast": 1234.5678},
    "about": {
        "rss_mb": {"unit": "MiB", "bound": "<= 200", "peer": ""},
        "sqlite_ratio": {"unit": "", "bound": ">= 3.0", "peer": "bare paho | counting"},
        "events": {"unit": "", "bound": ">= 50000 (full run)", "peer": ""},
    },
}
CLAIM: dict[str, Any] = {
    "acceptance": "fleet",
    "promise": "nothing is lost",
    "outcome": "holds",
    "counts": {"tests": 1, "failures": 0, "errors": 0, "skipped": 0, "fleet_lost": "0"},
    "seconds": 612.4,
    "machine": RUN["machine"],
    "commit": "abc123def456",
}


def row_of(page: str, key: str) -> list[str]:
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{key}` |")]
    return [cell.strip() for cell in line.strip("|").replace("\\|", "¦").split("|")]


def test_the_page_is_what_the_kept_runs_give() -> None:
    assert PAGE.read_text() == render(read_results(RESULTS)), "run: python -m bench.performance"


def test_check_says_so_and_changes_nothing() -> None:
    command = [sys.executable, "-m", "bench.performance", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_row_has_value_bound_verdict_peer_counts_machine_and_commit() -> None:
    assert row_of(render([RUN]), "sqlite_ratio") == [
        "`sqlite_ratio`",
        "2.35",
        ">= 3.0",
        "**no**",
        "bare paho ¦ counting",
        "full (ingest)",
        "2 cores, 24 GiB, Python 3.11.7",
        "`abc123def456`",
    ]


def test_figures_with_a_bound_come_first_and_numbers_are_short() -> None:
    page = render([RUN])
    assert page.index("`rss_mb`") < page.index("`fast`")
    assert [row_of(page, key)[1] for key in ("rss_mb", "fast", "events")] == ["120 MiB", "1235", "10000"]


def test_a_reduced_run_is_called_so_and_not_held_to_bounds_of_full_runs() -> None:
    row = row_of(render([RUN | {"reduced": True}]), "events")
    assert (row[3], row[5]) == ("", "reduced (ingest)")
    assert row_of(render([RUN]), "events")[3] == "**no**"


def test_a_run_that_says_nothing_about_its_figures_is_shown_all_the_same() -> None:
    bare = {key: value for key, value in RUN.items() if key != "about"}
    assert row_of(render([bare]), "rss_mb")[1:5] == ["120", "", "", ""]


def test_a_claim_has_its_promise_its_outcome_and_what_its_tests_measured() -> None:
    row = row_of(render([CLAIM]), "fleet")
    assert row[1:5] == ["nothing is lost", "holds", "fleet_lost 0", "1 in 612 s"]


@pytest.mark.parametrize(
    ("value", "bound", "kept"),
    [
        (0.4, "< 0.5", True),
        (0.5, "< 0.5", False),
        (1.0, ">= 1.0, aim 2.0", True),
        (0.9, ">= 1.0, aim 2.0", False),
        (5.0, "<= 5 over 20 runs (full run)", True),
        (2.0, "> 2", False),
        (0.0, "0", True),
        (1.0, "0", False),
        (1.0, "", None),
        (1.0, "as small as can be", None),
    ],
)
def test_a_bound_in_words_is_judged_by_its_first_number(value: float, bound: str, kept: bool | None) -> None:
    assert holds(value, bound) is kept


def test_a_record_carries_unit_bound_and_peer_of_each_figure() -> None:
    record = as_record("x", [Figure("a", 1.23456, "ms", "< 2", "the limit")], reduced=True)
    assert record["figures"] == {"a": 1.2346}
    assert record["about"] == {"a": {"unit": "ms", "bound": "< 2", "peer": "the limit"}}


def test_a_reduced_run_never_replaces_a_full_one(tmp_path: Path) -> None:
    for reduced, value in ((True, 1), (True, 2), (False, 3), (True, 4)):
        keep({"bench": "x", "reduced": reduced, "figures": {"a": value}}, tmp_path)
    assert json.loads((tmp_path / "x.json").read_text())["figures"] == {"a": 3}


def test_every_bench_of_the_suite_is_there() -> None:
    assert [name for name in BENCHES if not (ROOT / "bench" / f"{name}.py").exists()] == []


def test_a_bench_ends_with_its_json() -> None:
    assert last_record('a table\n{"bench": "x"}\n') == {"bench": "x"}
    assert last_record("Traceback\n") is None
    assert last_record("") is None


def test_a_terminal_gets_no_marks_of_the_page() -> None:
    assert plain(["`key`", "1", "< 1", "**no**"]) == ["key", "1", "< 1", "no"]


def test_a_table_for_a_terminal_has_straight_columns() -> None:
    assert aligned([["a", "1", "", "", "", ""], ["long", "22", "", "", "", "x"]]).splitlines()[0] == "a     1"


def test_every_option_and_fault_that_the_sizing_guide_names_is_one_of_the_simulators() -> None:
    guide = (ROOT / "docs" / "sizing.md").read_text()
    command = [sys.executable, "-m", "bench.simfleet", "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    options = set(re.findall(r"^\| `(--[a-z-]+)`", guide, re.MULTILINE))
    assert options
    assert options <= set(re.findall(r"--[a-z-]+", said))
    assert set(FAULTS) == set(re.findall(r"([a-z-]+)=\d", guide))
