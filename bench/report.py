"""What every bench shares: its command line, the machine it ran on, a table for people, one line of JSON."""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.performance import write_page
from bench.places import RESULTS, ROOT


@dataclass(frozen=True)
class Figure:
    """One measured figure; `bound` is what the issue asks for, in words, `peer` what the figure is compared with."""

    key: str
    value: float
    unit: str
    bound: str = ""
    peer: str = ""


def run_bench(name: str, measure: Callable[[bool], list[Figure]]) -> None:
    """Run `measure(quick)` and report it; a full run keeps its JSON in bench/results/."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=measure.__doc__)
    parser.add_argument("--quick", action="store_true", help="under 45 s, fewer samples, same keys")
    parser.add_argument("--keep", action="store_true", help="keep a quick run's JSON too, where no full run's is")
    given = parser.parse_args()
    figures = measure(given.quick)
    for figure in figures:
        print(f"{figure.key:<32} {figure.value:>12.2f} {figure.unit:<8} {figure.bound}")
    record = as_record(name, figures, reduced=given.quick)
    if not given.quick or given.keep:
        keep(record, RESULTS)
        write_page()
    print(json.dumps(record, sort_keys=True))


def keep(record: Mapping[str, Any], folder: Path) -> None:
    """Write a run's JSON; a reduced run never replaces a full one."""
    file = folder / f"{record['bench']}.json"
    if record["reduced"] and file.exists() and not json.loads(file.read_text())["reduced"]:
        return
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def as_record(name: str, figures: list[Figure], *, reduced: bool) -> Mapping[str, Any]:
    """Return the JSON form of one run."""
    return {
        "bench": name,
        "machine": machine(),
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "reduced": reduced,
        "figures": {figure.key: round(figure.value, 4) for figure in figures},
        # For the page that is made of this.
        "about": {figure.key: {"unit": figure.unit, "bound": figure.bound, "peer": figure.peer} for figure in figures},
    }


def machine() -> dict[str, Any]:
    """Return what a reader needs to judge a figure: cores, memory, system, Python."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages * size / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def commit() -> str:
    """Return the commit that is measured, with `+` when the tree has changes beside it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "unknown"


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile of at least one value; `share` is 0..1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
