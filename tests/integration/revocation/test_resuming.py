"""Power goes at any step of cutting off: the next courier finishes it, and nothing is taken back meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config_server.courier.cutoffs import Cutoffs
from config_server.courier.mosquitto_control import MosquittoControl
from tests.support.config_server import environment_of
from tests.support.revocation import CutoffHost, cutoff_host
from tests.support.waiting import wait_until


@pytest.fixture
def host(tmp_path: Path) -> Iterator[CutoffHost]:
    with cutoff_host(tmp_path / "home") as made:
        made.start_broker()
        yield made


def courier(host: CutoffHost) -> Cutoffs:
    control = MosquittoControl(host.settings, hold_s=0.2)
    return Cutoffs(host.settings, host.store, control, lambda: datetime.now(UTC))


@pytest.mark.parametrize("step", ["denied", "crl", "reloaded", "kicked", "proven"])
def test_a_courier_killed_after_a_step_is_resumed_to_the_end(host: CutoffHost, step: str) -> None:
    camera = host.make_camera("cam-thief")
    host.connect(camera)
    host.revoke("cam-thief")
    environment = {"PATH": os.defpath + ":/usr/sbin", **environment_of(host.settings, host.given)}
    command = [sys.executable, "-m", "tests.support.dying_courier", step]
    died = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert host.cutoff("cam-thief").finished_at is None

    courier(host).round()
    assert host.cutoff("cam-thief").step == "proven"
    assert "CERTIFICATE_REVOKED" in host.refusal(camera)
    wait_until(lambda: camera.losses > 0, 10, "the camera is out")
    assert camera.connections == 1
    camera.session.stop()


def test_nothing_is_lifted_before_the_old_certificates_are_refused(host: CutoffHost) -> None:
    host.make_camera("cam-thief")
    host.revoke("cam-thief")
    host.certify("cam-thief")
    working = courier(host)
    working.round()
    assert host.cutoff("cam-thief").step == "proven"
    working.round()
    assert host.denied() == []
    assert "cam-thief" not in host.settings.home.access_file.read_text()


def test_a_broker_that_is_away_is_cut_off_at_when_it_comes_back(host: CutoffHost) -> None:
    camera = host.make_camera("cam-thief")
    host.end("broker")
    host.revoke("cam-thief")
    working = courier(host)
    assert not working.attempt()
    assert "does not run" in str(working.condition()["failure"])
    assert host.cutoff("cam-thief").finished_at is None
    host.start_broker()
    wait_until(working.attempt, 20, "the round goes well")
    assert "CERTIFICATE_REVOKED" in host.refusal(camera)
