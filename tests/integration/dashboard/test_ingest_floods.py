"""Bad input from cameras is limited or put aside, named, counted and seen in /health; what was accepted is kept."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.store.events import EventFilter, Events
from dashboard.store.knowledge import Knowledge
from fleet import topics
from tests.support.broker import Mosquitto, running_broker
from tests.support.camera_words import event
from tests.support.dashboard import Site
from tests.support.fake_camera import camera
from tests.support.ingest_site import ingest_site
from tests.support.resending import Resending
from tests.support.scale import count
from tests.support.waiting import wait_until

WITHIN_S = 120.0
FLOOD = "cam-flooding"
OTHERS = ("cam-quiet-1", "cam-quiet-2", "cam-quiet-3")
# What is let in: so much that a flood is over in seconds, and less than a flood's pace.
LEAST_RATE, DRAINS_IN_S = 200, 10


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mosquitto, Site]]:
    """A broker with ingest and dashboard, for tests that each bring a camera of their own."""
    folder = tmp_path_factory.mktemp("host")
    with running_broker(folder) as broker, ingest_site(broker, folder) as site:
        site.start_all_ingest()
        site.start_web()
        yield broker, site


def stored(site: Site, device_id: str) -> list[dict[str, Any]]:
    rows = Events(site.database).newest_first(EventFilter(), 50_000)
    return [row for row in rows if row["device_id"] == device_id]


def told(site: Site) -> dict[str, Any]:
    """What the platform's /health says of ingest."""
    check: dict[str, Any] = httpx.get(f"{site.url}/health").json()["checks"]["ingest"]
    return check


def test_a_flood_of_one_camera_is_limited_others_are_unharmed_and_all_of_it_arrives_in_the_end(tmp_path: Path) -> None:
    messages = count(20_000, 800, "events in the flood")
    share = max(LEAST_RATE, messages // DRAINS_IN_S)
    with running_broker(tmp_path) as broker, ExitStack() as stack:
        limits = {"ingest_device_rate": share, "ingest_device_burst": share}
        site = stack.enter_context(ingest_site(broker, tmp_path, **limits))
        site.start_all_ingest()
        flood = stack.enter_context(camera(broker, FLOOD))
        others = [stack.enter_context(camera(broker, name)) for name in OTHERS]
        flooded = [(flood, flood.event(seq)) for seq in range(1, messages + 1)]
        quiet = [(speaker, speaker.event(seq)) for speaker in others for seq in range(1, 11)]
        wait_until(
            lambda: [len(speaker.confirmed()) for speaker in others] == [10] * len(others),
            WITHIN_S,
            "the others' receipts, none asked for twice",
        )
        assert len(flood.confirmed()) < messages, "the flood is let in bit by bit"
        said = site.ingest_health()
        assert said["limited"]["devices_now"] == 1
        assert said["limited"]["worst"]["device_id"] == FLOOD
        assert f'camfleet_ingest_limited{{device_id="{FLOOD}"}} ' in site.ingest_metrics()
        assert said["status"] == "ok", "one camera's flood is no trouble of the platform"
        wait_until(Resending(flooded).is_all_confirmed, WITHIN_S, "all of the flood")
        wanted = {str(event.event_id) for _, event in [*flooded, *quiet]}
        assert {row["event_id"] for name in (FLOOD, *OTHERS) for row in stored(site, name)} == wanted


def test_a_payload_at_the_limit_is_stored_and_one_over_it_put_aside_named_and_answered(
    host: tuple[Mosquitto, Site],
) -> None:
    broker, site = host
    with camera(broker, "cam-large") as speaker:
        for seq, size in ((1, topics.MAX_PAYLOAD_BYTES), (2, topics.MAX_PAYLOAD_BYTES + 1)):
            payload = event(seq, now=datetime.now(UTC)).encode()
            padded = payload + b" " * (size - len(payload))
            assert speaker.session.publish(topics.event("cam-large", "main"), padded, qos=1)
        speaker.event(3)
        wait_until(lambda: speaker.confirmed() == {1, 2, 3}, WITHIN_S, "what is put aside is kept: the camera need not")
    assert sorted(row["seq"] for row in stored(site, "cam-large")) == [1, 3]
    assert Knowledge(site.database).quarantined() == 1
    large = told(site)["odd"]["too-large"]
    assert (large["count"], large["last_device_id"]) == (1, "cam-large")


def test_repeats_and_old_revisions_change_nothing_and_are_counted(host: tuple[Mosquitto, Site]) -> None:
    broker, site = host
    with camera(broker, "cam-repeating") as speaker:
        newest = speaker.event(3, rev=3, change="end")
        wait_until(lambda: 3 in speaker.confirmed(), WITHIN_S, "a receipt of the newest")
        for seq, rev in ((1, 1), (2, 2), (3, 3)):
            speaker.event(seq, rev=rev, event_id=newest.event_id)
        wait_until(lambda: speaker.confirmed() == {1, 2, 3}, WITHIN_S, "a receipt of each")
    [row] = stored(site, "cam-repeating")
    assert (row["rev"], row["change"]) == (3, "end")
    assert told(site)["odd"]["repeated"]["count"] == 3


@pytest.mark.parametrize("years", [-30, 30])
def test_a_clock_that_is_years_off_is_stored_marked_and_said(host: tuple[Mosquitto, Site], years: int) -> None:
    broker, site = host
    name = f"cam-of-{datetime.now(UTC).year + years}"
    with camera(broker, name) as speaker:
        speaker.say(event(1, now=datetime.now(UTC) + timedelta(days=365 * years)))
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt")
    [row] = stored(site, name)
    assert row["clock_suspect"]
    assert told(site)["odd"]["clock-suspect"]["last_device_id"] == name
