"""Ingest as a process before a real broker: what is acknowledged is stored, whatever dies."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.store.cameras import Cameras
from dashboard.store.events import EventFilter, Events
from dashboard.store.knowledge import Knowledge
from fleet import topics
from fleet.messages import Event
from fleet.mqtt import Session, SessionOptions
from tests.support.broker import Mosquitto, running_broker
from tests.support.camera_words import CAMERA, birth, facts, health, presence
from tests.support.dashboard import Site, environment, running_site, site_settings
from tests.support.fake_camera import camera
from tests.support.waiting import wait_until

WITHIN_S = 40.0


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


def stored(site: Site) -> dict[str, int]:
    rows = Events(site.database).newest_first(EventFilter(), 10_000)
    return {row["event_id"]: row["rev"] for row in rows}


def standing(site: Site) -> tuple[str, str | None]:
    found = Cameras(site.database).get(CAMERA)
    return (found.columns["presence"], found.columns["reason"]) if found else ("", None)


def test_an_event_is_stored_and_its_receipt_comes_promptly(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        sent = speaker.event(1)
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt")
        assert stored(site) == {str(sent.event_id): 1}


def test_a_malformed_payload_is_put_aside_and_ingest_goes_on(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        for payload in (b"nonsense", b"\xff", b"nonsense"):
            speaker.session.publish(topics.event(CAMERA, "main"), payload, qos=1)
        speaker.event(1)
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt after the nonsense")
    assert Knowledge(site.database).quarantined() == 2
    assert site.ingest_health()["quarantined"] == 3


def test_a_killed_ingest_loses_nothing_and_repeats_do_no_harm(broker: Mosquitto, site: Site) -> None:
    sent: dict[int, Event] = {}
    with camera(broker) as speaker:
        for seq in range(1, 301):
            sent[seq] = speaker.event(seq)
            if seq in (100, 200):
                site.kill("ingest")
                site.start_ingest()
        wanted = {str(message.event_id): 1 for message in sent.values()}
        wait_until(lambda: stored(site) == wanted, WITHIN_S, "every event is stored")
        # A receipt that died with ingest is made good as a camera does it: by sending again.
        for seq in set(sent) - speaker.confirmed():
            speaker.say(sent[seq])
        wait_until(lambda: speaker.confirmed() == set(sent), WITHIN_S, "every event has a receipt")
        assert stored(site) == wanted


def test_nothing_is_confirmed_that_is_not_committed_when_ingest_dies(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        ids = {seq: str(speaker.event(seq).event_id) for seq in range(1, 201)}
        wait_until(lambda: bool(speaker.confirmed()), WITHIN_S, "a first receipt")
        site.kill("ingest")
        confirmed = {ids[seq] for seq in speaker.confirmed()}
        assert confirmed <= set(stored(site))


def test_a_broker_that_went_away_is_waited_for_said_in_health_and_found_again(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        broker.stop()
        wait_until(lambda: site.ingest_health()["status"] == "down", WITHIN_S, "health says down")
        assert site.ingest_health()["broker"]["reason"]
        broker.start()
        assert wait_until(lambda: speaker.session.is_connected, WITHIN_S, "camera is back")
        wait_until(lambda: site.ingest_health()["status"] == "ok", WITHIN_S, "ingest is back")
        speaker.event(1)
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt")


def test_a_locked_database_is_waited_for_and_said_in_health(broker: Mosquitto, site: Site) -> None:
    file = site.database.file
    assert file
    with camera(broker) as speaker:
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        speaker.event(1)
        wait_until(lambda: site.ingest_health()["status"] == "down", WITHIN_S, "health says down")
        assert "locked" in site.ingest_health()["database"]["reason"]
        assert speaker.confirmed() == set()
        blocker.execute("ROLLBACK")
        blocker.close()
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "receipt once the database is free")
        wait_until(lambda: site.ingest_health()["status"] == "ok", WITHIN_S, "health says ok")


def test_a_lost_camera_is_offline_with_its_reason_and_comes_back(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        speaker.say(presence(now=datetime.now(UTC)))
        speaker.say(birth(now=datetime.now(UTC)))
        wait_until(lambda: standing(site) == ("online", None), WITHIN_S, "online")
        _cut(speaker.session)
        wait_until(lambda: standing(site) == ("offline", "connection-lost"), WITHIN_S, "offline by its will")
    with camera(broker) as speaker:
        speaker.say(presence(session=8, now=datetime.now(UTC)))
        wait_until(lambda: standing(site) == ("online", None), WITHIN_S, "online again")


def test_after_a_restart_of_ingest_a_camera_is_unknown_until_it_is_heard(broker: Mosquitto, site: Site) -> None:
    with camera(broker) as speaker:
        speaker.say(presence(now=datetime.now(UTC)))
        wait_until(lambda: standing(site) == ("online", None), WITHIN_S, "online")
        site.kill("ingest")
        site.start_ingest()
        wait_until(lambda: standing(site) == ("unknown", "server-restarted"), WITHIN_S, "unknown")
        speaker.say(health(now=datetime.now(UTC)))
        wait_until(lambda: standing(site) == ("online", None), WITHIN_S, "heard again")


def test_a_revoked_camera_stays_so_over_a_restart_until_it_is_enrolled_anew(broker: Mosquitto, site: Site) -> None:
    courier = Session(broker.servers, broker.credentials("srv-courier-1"), SessionOptions("srv-courier-1"))

    def say(denied: bool) -> None:
        told = facts(now=datetime.now(UTC), denied=denied)
        assert courier.publish(topics.registry(CAMERA), told.encode(), qos=1, retain=True)

    courier.start()
    assert courier.wait_connected(10)
    with camera(broker) as speaker:
        speaker.say(presence(now=datetime.now(UTC)))
        wait_until(lambda: standing(site) == ("online", None), WITHIN_S, "online")
        say(denied=True)
        wait_until(lambda: standing(site) == ("offline", "revoked"), WITHIN_S, "revoked")
        site.kill("ingest")
        site.start_ingest()
        speaker.event(1)
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "what it still says is kept")
        assert standing(site) == ("offline", "revoked")
        say(denied=False)
        wait_until(lambda: standing(site) == ("offline", "silent"), WITHIN_S, "the mark is gone")
        speaker.say(presence(session=8, now=datetime.now(UTC)))
        wait_until(lambda: standing(site) == ("online", None), WITHIN_S, "online again")
    courier.stop()


def test_the_probe_comes_back_through_broker_and_store(site: Site) -> None:
    wait_until(lambda: site.ingest_health()["lag_s"] is not None, WITHIN_S, "a first probe is committed")
    assert site.ingest_health()["lag_s"] < 10
    assert Knowledge(site.database).last_probe("srv-ingest-1")


def test_it_stops_when_told(site: Site) -> None:
    site.processes["ingest"].send_signal(signal.SIGTERM)
    assert site.processes["ingest"].wait(10) == 0


def test_missing_credentials_schema_or_port_end_in_one_line(broker: Mosquitto, site: Site, tmp_path: Path) -> None:
    bare = site_settings(tmp_path / "bare")
    assert _start(environment(bare)) == "camfleet ca init"
    with_credentials = environment(site.settings) | {
        "CAMFLEET_EVENTS_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}",
        "CAMFLEET_INGEST_PORT": str(bare.ingest_port),
    }
    assert _start(with_credentials) == "camfleet migrate"
    assert _start(environment(site.settings)) == "CAMFLEET_INGEST_PORT"
    assert _start(environment(site.settings), "--process", "2") == "CAMFLEET_INGEST_PROCESSES"
    two = environment(site.settings) | {"CAMFLEET_INGEST_PROCESSES": "2"}
    assert _start(two, "--process", "2") == "camfleet ca init"


def _start(given: dict[str, str], *arguments: str) -> str:
    """Start ingest, expect one line and a failure, and return which of the known hints the line holds."""
    argv = [sys.executable, "-m", "dashboard.ingest", *arguments]
    ended = subprocess.run(argv, env=given, capture_output=True, text=True, timeout=WITHIN_S)
    assert ended.returncode == 1
    said = [line for line in ended.stderr.splitlines() if line.startswith("dashboard.ingest: ")]
    assert len(said) == 1
    hints = ("camfleet ca init", "camfleet migrate", "CAMFLEET_INGEST_PORT", "CAMFLEET_INGEST_PROCESSES")
    return next(hint for hint in hints if hint in said[0])


def _cut(session: object) -> None:
    """Break the connection without a goodbye and stay away, as a camera does that loses its power."""
    session._stopping.set()  # type: ignore[attr-defined]
    client = session._client  # type: ignore[attr-defined]
    client.socket().close()
