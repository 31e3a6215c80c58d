"""Does a host carry a thousand cameras? Events and health at a steady rate, and one that comes back with a backlog."""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.fleet_backlog import Backlog, measure_backlog
from bench.fleet_site import FleetSite, quiet, running_fleet_site
from bench.report import Figure, percentile, run_bench
from bench.simfleet.audit import compare, lags_s
from bench.simfleet.fleet import Fleet, Plan, Run
from bench.simfleet.host import SIMULATOR

RATE = 1.0
# By how much the median may grow from the first third of the run to the last before somebody asks why.
FLAT_S = 0.25


@dataclass(frozen=True)
class Size:
    """How many cameras report for how long, at one event message a second each beside health."""

    cameras: int
    seconds: float


FULL, QUICK = Size(1000, 600), Size(100, 15)
FULL_BACKLOG, QUICK_BACKLOG = Backlog(10_000, 50), Backlog(1_000, 50)


def measure(quick: bool) -> list[Figure]:
    """Measure a fleet's steady load, then a backlog beside live cameras, each on a broker and ingest of its own."""
    return [*measure_steady(QUICK if quick else FULL), *measure_return(QUICK_BACKLOG if quick else FULL_BACKLOG)]


def measure_steady(size: Size) -> list[Figure]:
    """Run a fleet and compare all that it decided with the database."""
    with _folder() as folder, running_fleet_site(folder / "host", size.cameras) as site:
        run = Fleet(site.devices(size.cameras), Plan(RATE, size.seconds), site.host, tell=quiet).run()
        lags = lags_s(site.settings.events_database, run.session)
        return [*fate(site, run), *pace(run, lags), *load(run)]


def measure_return(wanted: Backlog) -> list[Figure]:
    """Let one camera come back with a backlog while others report."""
    with _folder() as folder, running_fleet_site(folder / "host", wanted.live_cameras) as site:
        return measure_backlog(site, folder / "camera", wanted)


def fate(site: FleetSite, run: Run) -> list[Figure]:
    """Return what became of the events."""
    findings = compare(site.settings.events_database, run.session, run.tally.ledger)
    return [
        Figure("fleet_lost", findings.lost + run.tally.waiting, "", "0", "what the cameras decided"),
        Figure("fleet_twice", findings.twice + findings.strange, "", "0", "what the cameras decided"),
        Figure("fleet_cameras", run.cameras, "", ">= 1000 (full run)"),
        Figure("fleet_messages", run.tally.decided, ""),
        Figure("fleet_events", len(run.tally.ledger), ""),
        Figure("fleet_resent", run.tally.resent, ""),
    ]


def pace(run: Run, lags: Sequence[float]) -> list[Figure]:
    """Return how long messages took to ingest, and to their receipt, of which a camera gets one a second at most."""
    third = len(lags) // 3
    growth = statistics.median(lags[-third:]) - statistics.median(lags[:third])
    return [
        Figure("fleet_lag_growth", growth, "s", f"< {FLAT_S} (flat)", "first third of the same run"),
        Figure("fleet_lag_p95_ms", percentile(list(lags), 0.95) * 1000, "ms"),
        Figure("fleet_receipt_p50_ms", run.tally.delays_ms(0.5), "ms"),
        Figure("fleet_receipt_p95_ms", run.tally.delays_ms(0.95), "ms"),
        Figure("fleet_receipt_p99_ms", run.tally.delays_ms(0.99), "ms"),
        Figure("fleet_messages_per_s", run.tally.decided / run.seconds, "/s"),
    ]


def load(run: Run) -> list[Figure]:
    """Return what the programs took, in cores and MiB."""
    names = {"broker": "fleet_broker", "ingest-1": "fleet_ingest", SIMULATOR: "fleet_simulator"}
    seen = {key: run.loads[name] for name, key in names.items() if name in run.loads}
    cores = [Figure(f"{key}_cores", taken.cores, "") for key, taken in seen.items()]
    return [*cores, *(Figure(f"{key}_mib", taken.rss_mib, "MiB") for key, taken in seen.items())]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="camfleet-fleet-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    run_bench("fleet", measure)
