"""Write docs/performance.md from bench/results/: `python -m bench.performance [--check]`."""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.places import PAGE, RESULTS

FULL_ONLY = "(full run)"
TEST_COUNTS = {"tests", "failures", "errors", "skipped"}

INTRODUCTION = """# Performance

What the benches and the acceptance runs measured. The page is made of the JSON in `bench/results/`: each run that is
kept writes it anew, `python -m bench.performance` does so by hand, and a test fails when it is out of date.
`make bench` runs every bench (about half an hour; `make bench QUICK=1` takes minutes and keeps nothing),
`./managed_start.sh acceptance` every claim at its full count.

Trust the ratios: the peer or the limit ran on the same machine in the same run, in turns. Single times and rates drift
with the machine, and most runs share it with the load that they make. How to size a host: [Sizing](sizing.md).
"""
FIGURES = """
## Figures
A figure without a bound is there to be read with the others. *Holds* says whether it keeps its bound; a run with
reduced counts is called so and says little about bounds on time.

"""
CLAIMS = """
## Claims
What `./managed_start.sh acceptance` ran at the counts that the promises state.

"""

Record = Mapping[str, Any]


def main() -> int:
    """Write the page, or with --check say whether it is out of date."""
    parser = argparse.ArgumentParser(prog="python -m bench.performance", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the page is out of date")
    is_check = parser.parse_args().check
    text = render(read_results(RESULTS))
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    if is_check:
        print("docs/performance.md is out of date: run python -m bench.performance")
        return 1
    write_page()
    print("wrote docs/performance.md")
    return 0


def write_page() -> None:
    """Write the page from what is kept."""
    PAGE.write_text(render(read_results(RESULTS)))


def read_results(folder: Path) -> list[Record]:
    """Read every kept run, in the order of their names."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


def render(records: Sequence[Record]) -> str:
    """Return the page."""
    figures = table(
        ("figure", "value", "bound", "holds", "peer or limit", "counts", "machine", "commit"),
        (row for record in records if "bench" in record for row in figure_rows(record)),
    )
    claims = table(
        ("claim", "promise", "outcome", "measured", "tests", "machine", "commit"),
        (claim_row(record) for record in records if "acceptance" in record),
    )
    return f"{INTRODUCTION}{FIGURES}{figures}{CLAIMS}{claims}"


def figure_rows(record: Record) -> Iterator[list[str]]:
    """Yield a row for each figure of a bench's run."""
    reduced = bool(record["reduced"])
    for key, value in _with_bounds_first(record):
        about = record.get("about", {}).get(key, {})
        bound = str(about.get("bound", ""))
        yield [
            f"`{key}`",
            f"{_number(value)} {about.get('unit', '')}".strip(),
            bound,
            _verdict(value, bound, reduced),
            str(about.get("peer", "")),
            f"{'reduced' if reduced else 'full'} ({record['bench']})",
            _machine(record),
            f"`{record['commit']}`",
        ]


def claim_row(record: Record) -> list[str]:
    """Return the row of an acceptance run."""
    counts = record["counts"]
    return [
        f"`{record['acceptance']}`",
        str(record["promise"]),
        str(record["outcome"]),
        "<br>".join(f"{key} {value}" for key, value in sorted(counts.items()) if key not in TEST_COUNTS),
        f"{counts.get('tests', 0)} in {record['seconds']:.0f} s",
        _machine(record),
        f"`{record['commit']}`",
    ]


def holds(value: float, bound: str) -> bool | None:
    """Say whether a figure keeps a bound such as `< 0.5`, `>= 1.0, aim 2.0` or `0`; None when there is none."""
    found = re.match(r"(<=|>=|<|>|)\s*(\d+(?:\.\d+)?)", bound)
    if not found:
        return None
    limit = float(found[2])
    kept = {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit, "": value == limit}
    return kept[found[1]]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _with_bounds_first(record: Record) -> list[tuple[str, float]]:
    about = record.get("about", {})
    return sorted(record["figures"].items(), key=lambda item: (not about.get(item[0], {}).get("bound"), item[0]))


def _verdict(value: float, bound: str, reduced: bool) -> str:
    kept = None if reduced and FULL_ONLY in bound else holds(value, bound)
    return "" if kept is None else "yes" if kept else "**no**"


def _number(value: float) -> str:
    if value == int(value):
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _machine(record: Record) -> str:
    machine = record["machine"]
    return f"{machine['cores']} cores, {machine['memory_gib']:.0f} GiB, Python {machine['python']}"


if __name__ == "__main__":
    sys.exit(main())
