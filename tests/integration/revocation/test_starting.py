"""What a start does about identity: denials survive it, and an expired list is told and replaced."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config_server.authorities import load_authorities
from deploy.mosquitto.config import write_config
from deploy.supervisor.doctor import examine
from deploy.supervisor.programs import site_of
from fleet.home import write_file
from fleet.pki import read_crls
from tests.support.config_server import environment_of
from tests.support.revocation import CutoffHost, cutoff_host

CAMFLEET = str(Path(sys.executable).with_name("camfleet"))
PREPARE = "from deploy.supervisor.preparation import *; from fleet.settings import load; prepare(load(ServerSettings))"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[CutoffHost]:
    with cutoff_host(tmp_path / "home") as made:
        yield made


def run(host: CutoffHost, *command: str) -> str:
    environment = {"PATH": "/usr/sbin:/usr/bin:/bin", **environment_of(host.settings, host.given)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_start_renders_the_access_rules_with_everybody_who_was_cut_off(host: CutoffHost) -> None:
    for device_id in ("cam-stolen-1", "cam-honest", "cam-stolen-2"):
        host.make_camera(device_id)
    host.revoke("cam-stolen-1")
    host.revoke("cam-stolen-2")
    assert run(host, CAMFLEET, "devices", "denied").split() == ["cam-stolen-1", "cam-stolen-2"]

    write_config(host.settings)
    run(host, sys.executable, "-c", PREPARE)
    rules = host.settings.home.access_file.read_text()
    for device_id in ("cam-stolen-1", "cam-stolen-2"):
        assert f"user {device_id}\ntopic deny #\n" in rules
    assert "cam-honest" not in rules


def test_an_expired_list_locks_everybody_out_the_doctor_says_so_and_a_renewal_mends_it(host: CutoffHost) -> None:
    camera = host.make_camera("cam-honest")
    file = host.settings.home.credentials("broker").folder / "cameras.crl.pem"
    issuing, now = load_authorities(host.settings).issuing, datetime.now(UTC)
    write_file(file, issuing.sign_crl([], 99, now - timedelta(days=9), timedelta(days=7)))
    host.start_broker()
    assert host.refusal(camera)
    faults = [finding for finding in examine(host.settings, site_of(host.settings)) if finding.is_fault]
    told = [f"{finding.text} → {finding.fix}" for finding in faults if "cameras.crl.pem" in finding.text]
    assert len(told) == 1
    assert "refuses everybody" in told[0]
    assert "managed_start.sh restart" in told[0]

    run(host, CAMFLEET, "ca", "renew")
    assert min(facts.next_update for facts in read_crls(file.read_bytes())) > now
    host.end("broker")
    host.start_broker()
    assert host.refusal(camera) == ""


def test_the_rare_deeds_are_commands(host: CutoffHost, tmp_path: Path) -> None:
    said = run(host, CAMFLEET, "ca", "rotate-issuing")
    assert "signs from now on" in said
    assert "renewed the certificate of broker: its CA was replaced" in said
    assert "only signs its list" in run(host, CAMFLEET, "ca", "show")
    said = run(host, CAMFLEET, "ca", "export-root", str(tmp_path / "stick"))
    assert "the root's key is no longer on this host" in said
