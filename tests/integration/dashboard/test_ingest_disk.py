"""Ingest on a disk that fills up: nothing is acknowledged, health says so, and it goes on by itself."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from dashboard.store.events import EventFilter, Events
from tests.support.broker import Mosquitto, running_broker
from tests.support.dashboard import Site, running_site, site_settings
from tests.support.fake_camera import camera
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.waiting import wait_until

WITHIN_S = 40.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 4_096) as found:
        yield found


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_broker(tmp_path / "broker") as found:
        found.files_of("srv-ingest-1")
        yield found


@pytest.fixture
def site(broker: Mosquitto, disk: SmallDisk) -> Iterator[Site]:
    ports = {name: getattr(broker.settings, name) for name in ("broker_port", "broker_servers_port")}
    settings = site_settings(disk.path / "home", **ports)
    settings.home.path.mkdir()
    settings.home.pki.symlink_to(broker.settings.home.pki)
    with running_site(settings) as found:
        found.start_ingest()
        yield found


def test_a_full_disk_holds_receipts_back_until_there_is_room(broker: Mosquitto, site: Site, disk: SmallDisk) -> None:
    with camera(broker) as speaker:
        speaker.event(1)
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "a first receipt")
        disk.fill()
        wanted = {str(speaker.event(seq, zones=["z" * 80] * 60).event_id) for seq in range(2, 102)}
        wait_until(lambda: site.ingest_health()["status"] == "down", WITHIN_S, "healthz says down")
        assert "full" in site.ingest_health()["database"]["reason"]
        before = set(speaker.confirmed())
        assert before < set(range(1, 102))
        disk.make_room()
        wait_until(lambda: speaker.confirmed() == set(range(1, 102)), WITHIN_S, "every receipt")
        wait_until(lambda: site.ingest_health()["status"] == "ok", WITHIN_S, "healthz says ok")
    stored = {row["event_id"] for row in Events(site.database).newest_first(EventFilter(), 1_000)}
    assert wanted < stored


def test_a_killed_ingest_starts_on_a_full_disk_and_waits(broker: Mosquitto, site: Site, disk: SmallDisk) -> None:
    with camera(broker) as speaker:
        disk.fill()
        speaker.event(1, zones=["z" * 80] * 60)
        wait_until(lambda: site.ingest_health()["status"] == "down", WITHIN_S, "healthz says down")
        site.kill("ingest")
        disk.make_room()
        site.start_ingest()
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "the broker had kept it")


def test_pages_and_health_answer_while_the_disk_is_full(site: Site, disk: SmallDisk) -> None:
    site.start_web()
    with closing(site.log_in()) as browser:
        disk.fill()
        for _ in range(30):
            told = httpx.get(f"{site.url}/health", timeout=5).json()
            assert told["status"] == "down"
            assert browser.get("/").status_code == 200
        assert told["checks"]["disk"]["status"] == "down"
        assert browser.get("/api/v1/events").status_code == 200
        disk.make_room()
