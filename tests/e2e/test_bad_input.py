"""Bad input to the commands that start a host: one clear line, an exit code, and nothing that was stored is lost."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.platform import Platform
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 8_192) as found:
        yield found


@pytest.fixture
def platform(disk: SmallDisk) -> Iterator[Platform]:
    made = Platform(disk.path / "home")
    try:
        yield made
    finally:
        made.stop()


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a command that failed; what it installs on the way is no part of that."""
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if ": installing " not in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_full_disk_stops_setup_with_one_line_and_setup_goes_on_where_it_was(
    platform: Platform, disk: SmallDisk
) -> None:
    disk.fill()
    assert "room" in refused(platform.call("setup", check=False))
    # Each try comes a little further than the one before.
    for free_kib in (100, 200, 300):
        disk.make_room()
        disk.fill(leave_kib=free_kib)
        assert "room" in refused(platform.call("setup", check=False)), free_kib
    disk.make_room()
    platform.call("setup")
    made = {file.name: file.read_bytes() for file in platform.settings.home.pki.rglob("*.pem")}
    disk.fill()
    assert "room" in refused(platform.call("start", check=False))
    assert "room" in refused(platform.command("camfleet", "people", "reset-password", "admin", check=False))
    kept = {file.name: file.read_bytes() for file in platform.settings.home.pki.rglob("*.pem")}
    assert kept == made
    disk.make_room()
    assert "admin" in platform.call("start").stdout


def test_a_read_only_disk_refuses_a_start_and_lets_go_what_runs(platform: Platform, disk: SmallDisk) -> None:
    with disk.read_only(disk.path):
        assert "make it writable" in refused(platform.call("setup", check=False))
    platform.call("start")
    with disk.read_only(disk.path):
        assert platform.call("status", check=False).returncode == 0
        refused(platform.command("camfleet", "provision", "Late", "--bundle", str(disk.path / "late"), check=False))
        assert platform.call("stop").stdout == "stopped\n"
    platform.call("setup")


def test_a_port_in_use_is_named_with_its_setting(platform: Platform) -> None:
    with socket.create_server(("127.0.0.1", platform.settings.https_port)):
        line = refused(platform.call("start", check=False))
    assert str(platform.settings.https_port) in line
    assert "CAMFLEET_*_PORT" in line
