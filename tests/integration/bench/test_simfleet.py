"""A simulated fleet before a real broker and a real ingest: it delivers as cameras do, whatever is wrong with it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.fleet_site import FleetSite, quiet, running_fleet_site
from bench.simfleet.audit import Findings, compare
from bench.simfleet.fleet import Fleet, Plan, Run
from bench.simfleet.provision import NotProvisioned, ensure_bundles
from dashboard.store.cameras import Cameras
from dashboard.store.knowledge import Knowledge
from fleet.settings import ServerSettings, load
from tests.support.config_server import running_config_server
from tests.support.dashboard import environment
from tests.support.platform import ROOT
from tests.support.waiting import wait_until

CLEAN = Findings(0, 0, 0, 0)
MOST = 12


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetSite]:
    with running_fleet_site(tmp_path_factory.mktemp("site"), MOST) as found:
        yield found


def run_fleet(site: FleetSite, cameras: int, plan: Plan) -> Run:
    return Fleet(site.devices(cameras), plan, site.host, tell=quiet).run()


def findings(site: FleetSite, run: Run) -> Findings:
    return compare(site.settings.events_database, run.session, run.tally.ledger)


def standings(site: FleetSite, run: Run) -> set[tuple[str, str | None]]:
    rows = [Cameras(site.site.database).get(f"cam-simulated-{number:05}") for number in range(run.cameras)]
    return {(row.columns["presence"], row.columns["reason"]) for row in rows if row}


def test_every_event_is_confirmed_and_stored_once_and_cameras_say_goodbye(site: FleetSite) -> None:
    run = run_fleet(site, MOST, Plan(rate=5, seconds=2))
    assert run.tally.decided > MOST
    assert (run.tally.waiting, run.tally.refusals, run.tally.losses) == (0, {}, {})
    assert findings(site, run) == CLEAN
    wait_until(lambda: standings(site, run) == {("offline", "stopped")}, 10, "all have stopped")


def test_a_fleet_with_every_fault_loses_nothing_and_its_garbage_is_put_aside(site: FleetSite) -> None:
    before = Knowledge(site.site.database).quarantined()
    fleet = Fleet(
        site.devices(6), Plan(rate=4, seconds=4, faults={"skew": 1, "garbage": 1, "flood": 1}), site.host, tell=quiet
    )
    dropped, silent = fleet.cameras[4], fleet.cameras[5]
    for again in range(3):
        fleet.loop.after(1.0 + again, lambda: dropped.session.lose("dropped on purpose"))
    fleet.loop.after(1.5, lambda: silent.session.go_silent(1.0, "half-open on purpose"))
    run = fleet.run()
    assert run.tally.losses["dropped on purpose"] >= 1
    assert run.tally.losses["half-open on purpose"] == 1
    assert run.tally.garbage > 0
    assert run.tally.waiting == 0
    assert findings(site, run) == CLEAN
    wait_until(
        lambda: Knowledge(site.site.database).quarantined() - before == run.tally.garbage, 10, "all garbage is aside"
    )


def test_the_command_prints_an_account_and_exits_well(site: FleetSite) -> None:
    site.devices(3)
    done = simfleet(site.settings, "--bundles", str(site.bundles), "--cameras", "3", "--minutes", "0.02")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing was lost: every message has its receipt." in done.stdout
    assert {"broker", "ingest-1", "simulator"} <= {line.partition(" ")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--cameras", "9999"], "bundles, 9999 are needed"),
        (["--cameras", "1", "--faults", "fire"], "'fire' is no fault"),
    ],
)
def test_what_cannot_run_is_said_in_one_line(site: FleetSite, wrong: list[str], said: str) -> None:
    done = simfleet(site.settings, "--bundles", str(site.bundles), *wrong)
    assert done.returncode == 2
    assert done.stderr.startswith("simfleet: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_missing_bundles_are_made_by_the_sites_own_command_and_kept(tmp_path: Path) -> None:
    with running_config_server(tmp_path / "home") as server:
        folder = server.home.path / "simfleet"
        for wanted in (2, 3):
            ensure_bundles(server.settings, folder, wanted)
            assert len(list(folder.rglob("key.pem"))) == wanted


def test_a_site_that_does_not_answer_is_named(tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path, config_port=9)
    with pytest.raises(NotProvisioned, match="token"):
        ensure_bundles(settings, tmp_path / "simfleet", 1)


def simfleet(settings: ServerSettings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.simfleet", "--rate", "5", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment(settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
