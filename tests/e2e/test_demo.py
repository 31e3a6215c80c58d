"""Shows 1, 2 and 7: the demo in one command, watched by a person, and nothing left after it."""

import json
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import chromium, watched_page
from tests.support.pages import camera_row, card_ids, log_in
from tests.support.platform import Platform, running_demo
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

DEMO_LIMIT_S = 180
OFFLINE_LIMIT_MS = 15_000
FIRST_EVENT_LIMIT_MS = 60_000


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_demo(tmp_path_factory.mktemp("demo") / "home") as running:
        yield running


@pytest.fixture
def page(platform: Platform) -> Iterator[Page]:
    with chromium() as browser, watched_page(browser, platform.url) as watched:
        log_in(watched.page, platform.password)
        yield watched.page


def provision_and_enrol(platform: Platform, name: str, home: Path) -> str:
    """Do what an installer does: a token from the desk, one command on the camera."""
    made = json.loads(platform.command("camfleet", "provision", name, "--json").stdout)
    clip = Path(__file__).resolve().parents[2] / "camera_agent" / "footage" / "vtest.mp4"
    enrol = ["enroll", "--server", platform.settings.url, "--token", made["enrolment"]["token"], "--home", str(home)]
    platform.command("camfleet-agent", *enrol, "--source", f"file:{clip}")
    return str(made["device"]["device_id"])


def test_the_demo_ends_with_the_address_and_the_password_and_every_program_healthy(
    platform: Platform, record_property: Callable[[str, object], None]
) -> None:
    assert platform.demo_took_s < DEMO_LIMIT_S
    assert platform.settings.url in platform.demo_said
    assert platform.password
    assert {program["state"] for program in platform.status().values()} == {"healthy"}
    assert len(platform.cameras()) == 3
    record_property("demo_seconds", round(platform.demo_took_s, 1))
    print(f"the demo took {platform.demo_took_s:.0f} s")


def test_a_second_demo_shows_no_password_and_makes_no_second_set_of_cameras(platform: Platform) -> None:
    before = platform.cameras()
    assert platform.password not in platform.call("demo").stdout
    assert platform.cameras() == before


def test_the_fleet_page_shows_three_cameras_online(platform: Platform, page: Page) -> None:
    page.goto("/")
    for device_id in platform.cameras():
        expect(camera_row(page, device_id, "online")).to_be_visible(timeout=30_000)


def test_a_new_event_card_arrives_without_reload(page: Page) -> None:
    page.goto("/review")
    page.wait_for_selector("event-card", timeout=60_000)
    page.evaluate("() => { window.stillTheSamePage = true; }")
    before = card_ids(page)
    wait_until(lambda: card_ids(page) - before, 60, "a card of a new event")
    assert page.evaluate("() => window.stillTheSamePage")


def test_a_killed_camera_goes_offline_with_its_reason_and_comes_back(
    platform: Platform, page: Page, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    home = tmp_path / "camera"
    device_id = provision_and_enrol(platform, "Fourth camera", home)
    platform.start_outside(home)
    page.goto("/")
    expect(camera_row(page, device_id, "online")).to_be_visible(timeout=30_000)
    platform.kill_outside(home)
    killed_at = time.monotonic()
    offline = camera_row(page, device_id, "offline")
    expect(offline).to_be_visible(timeout=OFFLINE_LIMIT_MS)
    record_property("offline_after_seconds", round(time.monotonic() - killed_at, 1))
    print(f"offline {time.monotonic() - killed_at:.1f} s after kill -9")
    expect(offline.locator(".reason")).to_contain_text(re.compile("connection", re.IGNORECASE))
    platform.start_outside(home)
    expect(camera_row(page, device_id, "online")).to_be_visible(timeout=30_000)
    platform.kill_outside(home)


def test_a_new_cameras_first_event_is_seen_within_a_minute_of_its_token(
    platform: Platform, page: Page, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    home = tmp_path / "new-camera"
    device_id = provision_and_enrol(platform, "Journey", home)
    platform.start_outside(home)
    page.goto(f"/review?camera={device_id}")
    expect(page.locator(f"event-card[data-device-id={device_id}]").first).to_be_visible(timeout=FIRST_EVENT_LIMIT_MS)
    took_s = time.monotonic() - began
    platform.kill_outside(home, signal.SIGTERM)
    record_property("token_to_first_event_seconds", round(took_s, 1))
    print(f"token → certificate → first event on the page: {took_s:.1f} s")
    assert took_s < FIRST_EVENT_LIMIT_MS / 1000


def test_the_camera_page_follows_its_camera(platform: Platform, page: Page) -> None:
    device_id = platform.cameras()[0]
    page.goto(f"/cameras/{device_id}")
    expect(page.get_by_text("Demo plaza").first).to_be_visible()
    expect(page.get_by_text(device_id).first).to_be_visible()


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _processes_of(home: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        environ = process.info["environ"] or {}
        command = " ".join(process.info["cmdline"] or [])
        if environ.get("CAMFLEET_HOME") == str(home) or str(home) in command:
            found.append(f"{process.pid} {command}")
    return found


def test_stop_leaves_no_process_and_no_open_port(platform: Platform) -> None:
    """Runs last in this file: it ends the platform that the others share."""
    names = [name for name in type(platform.settings).model_fields if name.endswith("_port")]
    # The forwarder runs only where somebody named a receiver.
    ports = [getattr(platform.settings, name) for name in names if name != "forwarder_port"]
    assert all(_is_open(port) for port in ports)
    assert _processes_of(platform.home)
    platform.call("stop")
    assert [port for port in ports if _is_open(port)] == []
    assert _processes_of(platform.home) == []
    assert platform.call("status", check=False).returncode == 3
    platform.call("stop")
