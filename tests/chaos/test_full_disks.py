"""Delivery, show 3: a full disk at the servers and at the cameras loses nothing, and service returns by itself."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.chance import run_seed
from tests.support.chaos_camera import Load
from tests.support.chaos_site import ChaosSite, Grounds, chaos_site
from tests.support.chaos_truth import Verdict
from tests.support.postgres import Postgres, living, require_postgres
from tests.support.scale import count, is_full
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Record = Callable[[str, object], None]
NOTICED_S = 60.0
BACK_S = 90.0
SETTLE_S = 120.0
DROPPING = "frames are dropped until they can"


@pytest.fixture
def servers_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "servers", 48 * 1024) as found:
        yield found


@pytest.fixture
def cameras_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "cameras", 32 * 1024) as found:
        yield found


@pytest.fixture
def database() -> Iterator[tuple[SmallDisk, Postgres]]:
    require_postgres()
    # Not in the test's own folder, which PostgreSQL's account may not enter.
    with (
        tempfile.TemporaryDirectory(prefix="camfleet-disk-", ignore_cleanup_errors=True) as folder,
        small_disk(Path(folder), 128 * 1024) as disk,
        living(Postgres(disk.path, ("fsync=on",))) as server,
    ):
        yield disk, server


def load_of(name: str) -> Load:
    return Load(3, 10.0, f"{run_seed()} {name}", is_impatient=not is_full())


def fill_for_a_minute(site: ChaosSite, disk: SmallDisk, has_noticed: Callable[[], bool]) -> None:
    """Fill the disk until it is noticed and for a minute more, then wait until what is decided later is confirmed."""
    disk.fill()
    site.wait_until(has_noticed, NOTICED_S, f"the full disk is noticed; ingest is {site.ingest_status()}")
    length_s, began_s = count(60, 2, "seconds on a full disk"), time.monotonic()
    site.wait_until(lambda: time.monotonic() - began_s >= length_s, length_s + 10, "the disk stayed full")
    disk.make_room()
    began_s = time.monotonic()
    site.wait_for_service(BACK_S)
    print(f"service {time.monotonic() - began_s:.1f} s after there was room")


def see(site: ChaosSite, disk: str, record: Record) -> None:
    verdict = site.settle(SETTLE_S)
    record(f"{disk}_events", site.decided())
    record(f"{disk}_messages", site.rows())
    print(site.decided(), "events", site.rows(), "messages")
    assert verdict == Verdict(), str(verdict)
    site.wait_until(lambda: site.ingest_status() == "ok", BACK_S, "ingest is healthy again")


def test_a_full_disk_at_the_servers_loses_nothing_on_sqlite(
    tmp_path: Path, servers_disk: SmallDisk, record_property: Record
) -> None:
    # Everything that the servers write lies on it: events.db, and the broker's own database.
    grounds = Grounds(servers_disk.path / "home", tmp_path / "cameras", tmp_path / "notes")
    with chaos_site(grounds, load_of("SQLite's disk")) as site:
        before = site.decided()
        fill_for_a_minute(site, servers_disk, lambda: site.ingest_status() == "down")
        assert site.decided() > before, "the cameras went on deciding"
        see(site, "sqlite", record_property)


def test_a_full_disk_at_the_servers_loses_nothing_on_postgresql(
    tmp_path: Path, database: tuple[SmallDisk, Postgres], record_property: Record
) -> None:
    disk, server = database
    grounds = Grounds(tmp_path / "servers", tmp_path / "cameras", tmp_path / "notes", server)
    with chaos_site(grounds, load_of("PostgreSQL's disk")) as site:
        fill_for_a_minute(site, disk, lambda: site.ingest_status() == "down")
        record_property("postgresql_starts", server.starts)
        see(site, "postgresql", record_property)


def test_a_full_disk_at_the_cameras_loses_nothing_that_was_decided(
    tmp_path: Path, cameras_disk: SmallDisk, record_property: Record
) -> None:
    grounds = Grounds(tmp_path / "servers", cameras_disk.path / "homes", tmp_path / "notes")
    with chaos_site(grounds, load_of("the cameras' disk")) as site:

        def all_drop_frames() -> bool:
            return all(DROPPING in camera.process.log for camera in site.cameras)

        fill_for_a_minute(site, cameras_disk, all_drop_frames)
        see(site, "cameras", record_property)
