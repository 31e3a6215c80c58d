"""Show 5: kill -9 of each program in turn; status shows it, it comes back, and no decided event is missing."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.platform import Platform, running_demo
from tests.support.records import ledger_events, stored_revisions
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SERVERS = ("broker", "config_server", "courier", "ingest", "dashboard", "feed", "nginx")
BACK_S = 45
STORED_S = 90


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_demo(tmp_path_factory.mktemp("kills") / "home", ledger=True) as running:
        yield running


def _kill_and_wait(platform: Platform, name: str) -> dict[str, Any]:
    before = platform.status()[name]
    os.kill(before["pid"], signal.SIGKILL)

    def is_back() -> dict[str, Any] | None:
        now = platform.status()[name]
        return now if now["state"] == "healthy" and now["pid"] != before["pid"] else None

    return wait_until(is_back, BACK_S, f"{name} comes back") or {}


def _homes(platform: Platform) -> list[Path]:
    return [platform.settings.home.cameras / device_id for device_id in platform.cameras()]


def _missing(platform: Platform) -> list[str]:
    wanted = ledger_events(_homes(platform))
    stored = stored_revisions(platform.settings.home.events_database)
    return [event_id for event_id, event in wanted.items() if stored.get(event_id, 0) < event["rev"]]


def test_every_program_comes_back_and_every_decided_event_is_stored(
    platform: Platform, record_property: Callable[[str, object], None]
) -> None:
    wait_until(lambda: ledger_events(_homes(platform)), 60, "the first decided events")
    camera = platform.cameras()[0]
    for name in (*SERVERS, camera):
        restarts = platform.status()[name]["restarts"]
        back = _kill_and_wait(platform, name)
        assert back["restarts"] == restarts + 1, f"status does not show that {name} was restarted"
        assert "SIGKILL" in back["last_exit"], f"status does not say how {name} ended: {back['last_exit']}"
    decided = ledger_events(_homes(platform))
    assert len(decided) >= 10

    def all_stored() -> bool:
        stored = stored_revisions(platform.settings.home.events_database)
        return all(stored.get(event_id, 0) >= event["rev"] for event_id, event in decided.items())

    wait_until(all_stored, STORED_S, f"all {len(decided)} decided events are stored at their last rev")
    record_property("programs_killed", len(SERVERS) + 1)
    record_property("decided_events", len(decided))
    print(f"killed {len(SERVERS) + 1} programs; {len(decided)} decided events, none missing")


def test_nothing_is_stored_that_no_camera_decided(platform: Platform) -> None:
    stored = stored_revisions(platform.settings.home.events_database)
    assert set(stored) - set(ledger_events(_homes(platform))) == set()


def test_without_its_supervisor_everything_lives_on_and_start_adopts_it(platform: Platform) -> None:
    before = {name: program["pid"] for name, program in platform.status().items()}
    supervisor = int((platform.call("status").stdout.split("pid ")[1]).split()[0])
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: "is not running" in platform.call("status", check=False).stdout, 10, "status says so")
    assert {name: program["pid"] for name, program in platform.status().items()} == before
    platform.call("start")
    assert {name: program["pid"] for name, program in platform.status().items()} == before
    back = _kill_and_wait(platform, "ingest")
    assert back["state"] == "healthy", "an adopted program is restarted like any other"
    wait_until(lambda: not _missing(platform), STORED_S, "every decided event is stored")
