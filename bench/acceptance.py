"""Run the claims of the issue at their full counts: `python -m bench.acceptance [NAME]`; results in bench/results/."""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.performance import write_page
from bench.places import RESULTS, ROOT
from bench.report import commit, machine

FULL, SEED = "CAMFLEET_TEST_FULL", "CAMFLEET_TEST_SEED"


@dataclass(frozen=True)
class Claim:
    """Something the issue promises, and the tests that show it."""

    promise: str
    tests: tuple[str, ...]


CLAIMS: Mapping[str, Claim] = {
    "demo": Claim(
        "one command ends with three cameras online, events live, and stops clean (shows 1, 2, 7)",
        ("tests/e2e/test_demo.py",),
    ),
    "tracks": Claim(
        "on the sample, people keep their tracks (show 3)",
        ("tests/integration/camera_agent/test_tracks_on_the_sample.py",),
    ),
    "latency": Claim(
        "an event's card stands in the browser within 500 ms of its frame's capture (show 4)",
        ("tests/e2e/test_latency.py",),
    ),
    "kill": Claim(
        "every program comes back from kill -9 and no decided event is missing (show 5)",
        ("tests/e2e/test_kill_everything.py",),
    ),
    "broker": Claim(
        "a certificate is worth something in its own place only (show 6)",
        ("tests/contract/broker",),
    ),
    "release": Claim(
        "databases as this release writes them are kept and open again (show 8)",
        ("tests/integration/release",),
    ),
    "supervisor": Claim(
        "programs are restarted, adopted and stopped without a trace (shows 5, 7)",
        ("tests/integration/deploy/test_supervisor.py",),
    ),
    "journey": Claim(
        "token, certificate and the first event on the page within 60 s, by the documented commands (identity, show 1)",
        ("tests/e2e/test_demo.py",),
    ),
    "revocation": Claim(
        "a revoked camera is out within 5 s in 20 runs and stays out (identity, show 2)",
        ("tests/integration/revocation",),
    ),
    "renewal": Claim(
        "a camera ends with a working certificate whatever fails in between (identity, show 3)",
        ("tests/integration/renewal",),
    ),
    "certificates": Claim(
        "certificates and CRLs pass independent checks (identity, show 4)",
        ("tests/contract/config_server/test_certificates.py", "tests/integration/revocation/test_rotation.py"),
    ),
    "calls": Claim(
        "no sequence of calls gives another's identity, and none a 5xx (identity, show 5)",
        (
            "tests/integration/config_server/test_identity_properties.py",
            "tests/integration/config_server/test_one_certificate_per_token.py",
            "tests/integration/config_server/test_schemathesis.py",
        ),
    ),
    "dump": Claim(
        "databases, logs and state files hold no usable token, key or password (identity, show 6)",
        ("tests/integration/identity/test_a_dump_is_worth_nothing.py",),
    ),
    "emqx": Claim(
        "emqx/ says what EMQX takes, and its rules are the contract's (identity)",
        ("tests/unit/emqx",),
    ),
    "backup": Claim(
        "a backup made while everything runs is restored to equality, and the restored host starts (delivery)",
        ("tests/integration/backup", "tests/unit/fleet/backup"),
    ),
    "migration": Claim(
        "what v0.1.0 wrote goes up, down and up again with every row; newer databases are refused (delivery, show 5)",
        ("tests/integration/release", "tests/contract/dashboard/test_migrations.py"),
    ),
    "quarantine": Claim(
        "what cannot be read is put aside, shown safely, and taken in or dropped in one step (delivery)",
        ("tests/contract/dashboard/test_quarantine.py", "tests/integration/dashboard/test_quarantine_commands.py"),
    ),
    "outbox": Claim(
        "the outbox keeps its word through power cuts, damage, full disks and set clocks, within its limit (delivery)",
        ("tests/unit/camera_agent/delivery", "tests/integration/camera_agent/test_disk.py"),
    ),
    "backfill": Claim(
        "after an outage what is new goes at once, the backlog follows in batches, and nothing is missing (delivery)",
        (
            "tests/integration/camera_agent/test_backlog.py",
            "tests/unit/dashboard/test_backfill.py",
            "tests/integration/dashboard/test_bad_payloads.py",
        ),
    ),
    "chaos": Claim(
        "random kills of broker, ingest, agent and PostgreSQL lose, double and alter nothing (delivery, show 1)",
        ("tests/chaos/test_kills.py", "tests/chaos/test_the_judge.py"),
    ),
    "network": Claim(
        "cut, half-open, slow and corrupting networks lose, double and alter nothing (delivery, show 2)",
        ("tests/chaos/test_network.py", "tests/chaos/test_netproxy.py"),
    ),
    "disk": Claim(
        "a minute of full disk at the servers and at the cameras loses nothing (delivery, show 3)",
        ("tests/chaos/test_full_disks.py",),
    ),
    "retention": Claim(
        "a week of telemetry and a million events: the store keeps to age and size beside a writer (delivery, show 4)",
        (
            "tests/contract/dashboard/test_store_holds_its_size.py",
            "tests/contract/dashboard/test_retention.py",
            "tests/contract/dashboard/test_aggregates.py",
            "tests/integration/dashboard/test_retention.py",
        ),
    ),
    "queries": Claim(
        "at a million events what pages ask is found by an index, in less than 20 ms (delivery, show 4)",
        ("tests/contract/dashboard/test_plans.py", "tests/e2e/test_query_figures.py"),
    ),
    "fleet": Claim(
        "1,000 cameras at an event a second for 10 minutes: nothing lost, nothing twice, lag flat (delivery, size)",
        ("tests/e2e/test_fleet.py",),
    ),
    "backlog": Claim(
        "10,000 events of one camera drain while the others' p95 stays under 1 s (delivery, speed)",
        ("tests/e2e/test_backlog.py",),
    ),
    "ingest-processes": Claim(
        "several ingest processes store what one would, though one is killed, on both databases (delivery)",
        (
            "tests/integration/dashboard/test_ingest_processes.py",
            "tests/integration/dashboard/test_ingest_supervised.py",
        ),
    ),
    "floods": Claim(
        "a flood or bad input of one camera is limited and named; others are unharmed, nothing is lost (delivery)",
        (
            "tests/integration/dashboard/test_ingest_floods.py",
            "tests/integration/dashboard/test_bad_payloads.py",
            "tests/integration/dashboard/test_postgres_restart.py",
        ),
    ),
    "forwarding": Claim(
        "stored events reach Kafka and webhooks, none missing, in order per camera, whatever dies (delivery)",
        (
            "tests/integration/dashboard/test_forwarder.py",
            "tests/integration/dashboard/test_forwarder_targets.py",
            "tests/integration/dashboard/test_forward_commands.py",
        ),
    ),
    "pki": Claim(
        "enrolment, bundles, CRLs and revocation keep pace (identity, speed and size)",
        ("tests/e2e/test_pki_figures.py",),
    ),
    "ingest": Claim(
        "ingest keeps pace with a bare subscriber and the broker, promptly, in bounded memory (delivery, speed)",
        ("tests/e2e/test_ingest_figures.py",),
    ),
}


def main() -> int:
    """Run one claim or all; exit 1 when one does not hold."""
    parser = argparse.ArgumentParser(prog="./managed_start.sh acceptance", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(CLAIMS), help="one claim; all without it")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    given = parser.parse_args()
    names = [given.name] if given.name else list(CLAIMS)
    records = [check(name, given.seed) for name in names]
    for record in records:
        print(f"{record['outcome']:<7} {record['acceptance']:<12} {record['counts']}  {record['promise']}")
    return 0 if all(record["outcome"] == "holds" for record in records) else 1


def check(name: str, seed: int) -> dict[str, Any]:
    """Run one claim's tests at full counts and keep what came of it."""
    claim = CLAIMS[name]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *claim.tests, f"--junit-xml={report}", "-p", "no:cacheprovider"]
        environment = {**os.environ, FULL: "1", SEED: str(seed)}
        began = datetime.now(UTC)
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        counts = read_counts(report)
    holds = done.returncode == 0 and counts.get("tests", 0) > 0
    record = {
        "acceptance": name,
        "promise": claim.promise,
        "outcome": "holds" if holds else "FAILS",
        "counts": counts,
        "commit": commit(),
        "seed": seed,
        "machine": machine(),
        "at": began.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - began).total_seconds(), 1),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"acceptance-{name}.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    write_page()
    return record


def read_counts(report: Path) -> dict[str, Any]:
    """Return how many tests ran and failed, and every count that a test recorded by `record_property`."""
    if not report.exists():
        return {}
    root = ElementTree.parse(report).getroot()  # noqa: S314 our own pytest has just written it
    suites = list(root.iter("testsuite"))
    counts: dict[str, Any] = {
        key: sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    }
    for noted in root.iter("property"):
        if not str(noted.get("name")).startswith("hypothesis-"):
            counts[str(noted.get("name"))] = noted.get("value")
    return counts


if __name__ == "__main__":
    sys.exit(main())
