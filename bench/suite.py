"""Run every bench, one after the other, and end with one table: `make bench [QUICK=1]`."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from bench.performance import figure_rows
from bench.places import ROOT

BENCHES = ("ingest", "queries", "fleet", "pki", "latency")
COLUMNS = 6


def main() -> int:
    """Run them all; full runs write docs/performance.md too. Exit 1 when a bench failed or a bound was missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each under 45 s; keeps nothing")
    given = parser.parse_args()
    records = [(name, run(name, ["--quick"] if given.quick else [])) for name in BENCHES]
    rows = [plain(row[:COLUMNS]) for _, record in records if record for row in figure_rows(record)]
    print("\n" + aligned(rows))
    failed = [name for name, record in records if record is None]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or (not given.quick and any(row[3] == "no" for row in rows)) else 0


def run(name: str, options: Sequence[str]) -> dict[str, Any] | None:
    """Run one bench as a person would, and return its JSON; None when it failed."""
    print(f"\n== bench.{name}", flush=True)
    command = [sys.executable, "-m", f"bench.{name}", *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    return last_record(done.stdout) if done.returncode == 0 else None


def last_record(said: str) -> dict[str, Any] | None:
    """Return the line of JSON with which a bench ends."""
    lines = said.strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        return None
    record: dict[str, Any] = json.loads(lines[-1])
    return record


def plain(row: Sequence[str]) -> list[str]:
    """Return the page's cells without its marks."""
    return [cell.replace("`", "").replace("**", "") for cell in row]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table for a terminal."""
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(COLUMNS)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    sys.exit(main())
