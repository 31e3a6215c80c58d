"""`python -m bench.simfleet --cameras N --rate R --minutes M`: a simulated fleet against a running site."""

import argparse
import os
import random
import sys
from pathlib import Path

from bench.simfleet.account import describe
from bench.simfleet.audit import Findings, compare
from bench.simfleet.device import NoBundles, read_devices
from bench.simfleet.faults import FAULTS, UnknownFault, read_faults
from bench.simfleet.fleet import CannotHold, Fleet, Plan, Run
from bench.simfleet.host import Host
from bench.simfleet.provision import NotProvisioned, ensure_bundles
from fleet.settings import ServerSettings, SettingsError, load

SQLITE = "sqlite:///"


def main() -> int:
    """Run a fleet and say what came of it; exit 1 when something was lost, 2 when it could not run."""
    given = _arguments()
    try:
        settings = load(ServerSettings, **({"CAMFLEET_HOME": given.home} if given.home else {}))
        run = _run(given, settings)
    except (SettingsError, NoBundles, NotProvisioned, UnknownFault, CannotHold) as error:
        print(f"simfleet: {error}", file=sys.stderr)
        return 2
    findings = _check(settings, run)
    print(describe(run, findings, len(os.sched_getaffinity(0))))
    return 1 if run.tally.waiting or (findings and (findings.lost or findings.twice)) else 0


def _run(given: argparse.Namespace, settings: ServerSettings) -> Run:
    plan = Plan(given.rate, given.minutes * 60, given.drain_s, read_faults(given.faults), given.seed)
    bundles = given.bundles
    if bundles is None:
        bundles = settings.home.path / "simfleet"
        ensure_bundles(settings, bundles, given.cameras)
    print(f"seed {plan.seed}")
    return Fleet(read_devices(bundles, given.cameras), plan, Host.of(settings)).run()


def _check(settings: ServerSettings, run: Run) -> Findings | None:
    """Look into the database if it is where this command can see it."""
    url = settings.events_database
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        return None
    return compare(url, run.session, run.tally.ledger)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.simfleet", description=__doc__)
    parser.add_argument("--cameras", type=_positive, default=100, help="how many (default 100)")
    parser.add_argument("--rate", type=float, default=1.0, help="event messages a second of each (default 1)")
    parser.add_argument("--minutes", type=float, default=1.0, help="for how long they decide events (default 1)")
    parser.add_argument("--home", type=Path, help="the site's CAMFLEET_HOME (default: as for camfleet)")
    parser.add_argument("--bundles", type=Path, help="folder of bundles; without it the site on this host makes them")
    parser.add_argument("--faults", default="", help=f"such as drop=5,flood: {', '.join(FAULTS)}; with =CAMERAS each")
    parser.add_argument("--drain-s", type=float, default=60.0, help="wait so long for the last receipts (default 60)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31), help="tell a run again")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
