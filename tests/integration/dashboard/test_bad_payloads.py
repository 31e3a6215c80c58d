"""What a broken or hostile camera may publish: counted, set aside, and everybody else goes on."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dashboard.ingest.rows import registry_columns
from dashboard.store.cameras import Cameras
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import MOST_QUARANTINED, Intake
from dashboard.store.knowledge import Knowledge
from dashboard.store.records import Records
from fleet import topics
from fleet.messages import PresenceState, pack_backfill
from tests.support.broker import Mosquitto, running_broker
from tests.support.camera_words import CAMERA, OUTBOX, event, facts, health, presence
from tests.support.dashboard import Site, running_site, site_settings
from tests.support.fake_camera import FakeCamera, camera
from tests.support.waiting import wait_until

WITHIN_S = 40.0
HOSTILE = "<img src=x onerror=alert(1)>\N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_broker(tmp_path) as found:
        found.files_of("srv-ingest-1")
        yield found


@pytest.fixture
def site(broker: Mosquitto, tmp_path: Path) -> Iterator[Site]:
    ports = {name: getattr(broker.settings, name) for name in ("broker_port", "broker_servers_port")}
    with running_site(site_settings(tmp_path, **ports)) as found:
        found.start_ingest()
        yield found


def changed(**given: Any) -> bytes:
    """An event of now with some fields put to what no event says."""
    said = json.loads(event(1, now=datetime.now(UTC)).encode())
    return json.dumps({**said, **given}).encode()


BAD = [
    b"",
    b"\xff\xfe",
    b"[" * 60_000,
    changed(seq=10**30),
    changed(rev=2**63),
    changed(session=10**400),
    changed(score=float("nan")),
    changed(box=[0, 0, float("inf"), 1]),
    changed(ts="0001-01-01T00:00:00+14:00"),
    changed(ts="9999-12-31T23:59:59-14:00"),
    changed(label="x" * 10_000),
    changed(v=99),
    changed()[:-1] + b',"rev": 2}',
]


def test_every_bad_payload_is_set_aside_and_the_next_event_is_stored(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        for payload in BAD:
            speaker.session.publish(topics.event(CAMERA, "main"), payload, qos=1)
        sent = speaker.event(2)
        wait_until(lambda: 2 in speaker.confirmed(), WITHIN_S, "receipt after everything bad")
    # An empty payload only ever clears a retained message.
    assert Knowledge(site.database).quarantined() == len(BAD) - 1
    assert [row["event_id"] for row in Events(site.database).newest_first(EventFilter(), 10)] == [str(sent.event_id)]
    assert site.ingest_health()["status"] != "down"


def test_a_poisoned_event_gets_its_receipt_so_that_it_is_not_sent_for_ever(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        poison = changed(seq=7, score="high")
        speaker.session.publish(topics.event(CAMERA, "main"), poison, qos=1)
        speaker.session.publish(topics.event(CAMERA, "main"), changed(seq=10**30), qos=1)
        wait_until(lambda: speaker.confirmed() == {7}, WITHIN_S, "receipt for what is in quarantine")
    wait_until(lambda: Knowledge(site.database).quarantined() == 2, WITHIN_S, "both are kept")


def test_of_a_backfill_only_the_malformed_event_is_set_aside_and_all_get_receipts(
    broker: Mosquitto, site: Site
) -> None:
    now = datetime.now(UTC)
    waited = [event(seq, now=now - timedelta(hours=8)) for seq in range(1, 100)]
    packed = [("main", one.encode()) for one in waited]
    packed.insert(50, ("main", changed(seq=100, box="everywhere")))
    with camera(broker) as speaker:
        speaker.session.publish(topics.backfill(CAMERA), pack_backfill(OUTBOX, now, packed), qos=1)
        wait_until(lambda: speaker.confirmed() == set(range(1, 101)), WITHIN_S, "receipts for all")
    assert Knowledge(site.database).quarantined() == 1
    rows = Events(site.database).newest_first(EventFilter(), 200)
    assert {row["event_id"] for row in rows} == {str(one.event_id) for one in waited}
    assert not any(row["clock_suspect"] for row in rows)


def test_revisions_that_arrive_out_of_order_leave_the_highest(broker: Mosquitto, site: Site) -> None:
    """The live lane overtakes the backlog: the end of an event may come hours before its beginning."""
    now, event_id = datetime.now(UTC), uuid4()
    lives = [event(seq, now=now, event_id=event_id, rev=seq, change="update") for seq in range(1, 6)]
    with camera(broker) as speaker:
        speaker.say(lives[4])
        wait_until(lambda: speaker.confirmed() == {5}, WITHIN_S, "the live revision is stored")
        late = pack_backfill(OUTBOX, now, [("main", one.encode()) for one in lives[:4]])
        speaker.session.publish(topics.backfill(CAMERA), late, qos=1)
        wait_until(lambda: speaker.confirmed() == set(range(1, 6)), WITHIN_S, "receipts for the older ones")
    [row] = Events(site.database).newest_first(EventFilter(), 10)
    assert (row["event_id"], row["rev"]) == (str(event_id), 5)


def test_a_bad_presence_does_not_poison_the_good_ones_that_follow(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        absurd = json.loads(presence(now=datetime.now(UTC)).encode()) | {"session": 10**30}
        speaker.session.publish(topics.presence(CAMERA), json.dumps(absurd).encode(), qos=1)
        speaker.say(presence(now=datetime.now(UTC)))
        wait_until(lambda: _standing(site) == "online", WITHIN_S, "the good presence counts")


def test_a_flood_of_bad_payloads_neither_fills_the_store_nor_delays_others_for_long(
    broker: Mosquitto, site: Site
) -> None:
    with camera(broker, "cam-flooding") as flood, camera(broker) as speaker:
        for n in range(1_000):
            flood.session.publish(topics.event("cam-flooding", "main"), b"x" * 2_000 + str(n).encode(), qos=1)
        speaker.event(1)
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt amid the flood")
        wait_until(lambda: site.ingest_health()["quarantined"] == 1_000, WITHIN_S, "the flood is counted")
    assert Knowledge(site.database).quarantined() == MOST_QUARANTINED


def test_a_will_of_an_older_session_is_ignored_now_and_after_a_restart(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        speaker.say(presence(session=9, now=datetime.now(UTC)))
        wait_until(lambda: _standing(site) == "online", WITHIN_S, "online")
        late = presence(PresenceState.OFFLINE, session=8, now=datetime.now(UTC))
        speaker.say(late)
        speaker.event(1)
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "what came after the will is stored")
        assert _standing(site) == "online"
        # The late will is now what the broker keeps as the camera's presence.
        site.kill("ingest")
        site.start_ingest()
        speaker.say(health(session=9, now=datetime.now(UTC)))
        wait_until(lambda: _standing(site) == "online", WITHIN_S, "online again after the restart")


def test_a_camera_that_the_registry_does_not_know_is_kept_and_shown_by_its_id(broker: Mosquitto, site: Site) -> None:
    with camera(broker, "cam-of-a-lost-home") as speaker:
        speaker.event(1, label="person")
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt")
    site.start_web()
    with closing(site.log_in()) as browser:
        [seen] = browser.get("/api/v1/cameras").json()["items"]
        assert (seen["device_id"], seen["site_id"]) == ("cam-of-a-lost-home", None)
        [told] = browser.get("/api/v1/events").json()["items"]
        assert told["device_id"] == "cam-of-a-lost-home"
        for page in ("/", "/cameras/cam-of-a-lost-home", "/review"):
            assert browser.get(page).status_code == 200, page


def test_hostile_names_are_text_everywhere(broker: Mosquitto, site: Site) -> None:
    site.start_web()
    with camera(broker) as speaker:
        speaker.event(1, label=HOSTILE, zones=[HOSTILE])
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt")
    _registry_says(site, name=HOSTILE)
    with closing(site.log_in()) as browser:
        for page in ("/", f"/cameras/{CAMERA}", "/review", f"/review?label={HOSTILE}&camera={HOSTILE}"):
            assert "<img src=x" not in browser.get(page).text, page
        answer = browser.get("/api/v1/events")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()["items"][0]["label"] == HOSTILE


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_is_said_on_the_event(broker: Mosquitto, site: Site, hours: int) -> None:
    with camera(broker) as speaker:
        _say_with_clock(speaker, timedelta(hours=hours))
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt")
    [row] = Events(site.database).newest_first(EventFilter(), 10)
    assert row["clock_suspect"]


def _say_with_clock(speaker: FakeCamera, off: timedelta) -> None:
    wrong = datetime.now(UTC) + off
    speaker.say(health(now=wrong, clock_offset_s=off.total_seconds()))
    speaker.say(event(1, now=wrong))


def _standing(site: Site) -> str:
    found = Cameras(site.database).get(CAMERA)
    return str(found.columns["presence"]) if found else ""


def _registry_says(site: Site, name: str) -> None:
    said = facts(now=datetime.now(UTC)).model_copy(update={"name": name})
    Intake(site.database).write(Records(cameras={CAMERA: registry_columns(said)}))
