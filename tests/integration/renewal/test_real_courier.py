"""The courier's own process answers a camera that renews, and one that asks while it is away waits for it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.renewal.camera import start_camera
from tests.integration.renewal.rig import Site, running_site, serial_of
from tests.support.config_server import environment_of
from tests.support.waiting import wait_until

SOON_S = 60.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path / "site") as site:
        # The process takes the place of the desk in this one.
        site.line.session.stop()
        site.desk.stop()
        yield site


@contextlib.contextmanager
def running_courier(site: Site) -> Iterator[None]:
    settings = site.settings
    ports = {name: getattr(settings, name) for name in ("broker_port", "broker_servers_port", "courier_port")}
    environment = {"PATH": "/usr/sbin:/usr/bin:/bin", **environment_of(settings, ports)}
    process = subprocess.Popen([sys.executable, "-m", "config_server.courier"], env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def test_a_camera_renews_with_the_couriers_process_once_it_runs(site: Site, tmp_path: Path) -> None:
    home = site.camera(tmp_path / "camera")
    old_serial, camera = serial_of(home), start_camera(home, answer_s=1.0)
    camera.steps_until(lambda: camera.report["renewal"] == "waiting for an answer", SOON_S, "nobody answers yet")
    assert "courier" in (camera.report["renewal_detail"] or "")
    with running_courier(site):
        camera.steps_until(lambda: camera.is_settled() and serial_of(home) != old_serial, SOON_S, "renewal")
        counted = wait_until(lambda: site.counted(home), SOON_S, "the registry counts it")
        assert counted
        assert counted.serial == serial_of(home)
    camera.stop()
    assert site.issued(home) == 2
