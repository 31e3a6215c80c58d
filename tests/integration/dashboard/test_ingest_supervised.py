"""The supervisor keeps every configured ingest process, and no other."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.supervisor.control import await_healthy, launch_supervisor, stop
from deploy.supervisor.site import Site as SupervisedSite
from deploy.supervisor.status import read_status
from tests.support.broker import Mosquitto, running_broker
from tests.support.dashboard import Site, environment
from tests.support.fake_camera import camera
from tests.support.ingest_site import ingest_site
from tests.support.ingest_supervisor import supervised_ingest
from tests.support.waiting import wait_until

WITHIN_S = 60.0
NAMES = ("ingest", "ingest-2", "ingest-3")


@dataclass(frozen=True)
class Host:
    """A broker and the ingest processes behind it."""

    broker: Mosquitto
    site: Site
    supervised: SupervisedSite

    def pids(self) -> dict[str, int | None]:
        return {row.name: row.pid for row in read_status(self.supervised).rows}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with running_broker(tmp_path) as broker, ingest_site(broker, tmp_path, ingest_processes=len(NAMES)) as site:
        for name, value in environment(site.settings).items():
            monkeypatch.setenv(name, value)
        supervised = supervised_ingest(site.settings)
        launch_supervisor(supervised)
        try:
            await_healthy(supervised, WITHIN_S)
            yield Host(broker, site, supervised)
        finally:
            assert not stop(supervised)


def test_each_process_comes_back_from_kill_9_and_stop_ends_them_all(host: Host) -> None:
    before = host.pids()
    assert tuple(before) == NAMES
    for pid in before.values():
        assert pid
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not set(before.values()) & set(host.pids().values()), WITHIN_S, "all have new processes")
    await_healthy(host.supervised, WITHIN_S)
    assert [row.restarts for row in read_status(host.supervised).rows] == [1, 1, 1]
    with camera(host.broker) as speaker:
        for seq in range(1, 10):
            speaker.event(seq)
        wait_until(lambda: speaker.confirmed() == set(range(1, 10)), WITHIN_S, "each has its share again")
    assert all(host.site.ingest_health(n)["status"] == "ok" for n in (1, 2, 3))
