"""Several ingest processes on one shared subscription store what one would, whatever dies on the way."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from dashboard.store.cameras import Cameras
from dashboard.store.tables import events, quarantine
from fleet import topics
from fleet.messages import Event
from fleet.mqtt import Session, SessionOptions
from tests.support.broker import Mosquitto, running_broker
from tests.support.camera_words import event, facts, health, presence
from tests.support.dashboard import Site
from tests.support.databases import new_database
from tests.support.fake_camera import FakeCamera, camera
from tests.support.ingest_site import ingest_site
from tests.support.resending import Resending
from tests.support.scale import count
from tests.support.waiting import wait_until

WITHIN_S = 60.0
# The clock of the last is a year off, and its health says so.
DEVICES = ("cam-front-door", "cam-back-door", "cam-clock-off")
WRONG = timedelta(days=-365)
PROCESSES = 3
SEED = 20261121


@dataclass(frozen=True)
class Said:
    """One message of the recorded stream; `repeats` were said before."""

    device_id: str
    event: Event


def record_stream(tracks: int) -> list[Said]:
    """Return what all cameras say: each thing's life, some of it twice, some of it in the wrong order."""
    chance, now = random.Random(SEED), datetime.now(UTC)  # noqa: S311  (not a secret)
    said: list[Said] = []
    for number, device_id in enumerate(DEVICES):
        at = now + WRONG if device_id == DEVICES[-1] else now
        outbox, seq = UUID(int=number + 1), 0
        for _ in range(tracks):
            event_id, life = UUID(int=chance.getrandbits(128)), []
            for rev, change in enumerate(("new", "update", "update", "end"), start=1):
                seq += 1
                words: dict[str, Any] = {"outbox": outbox, "event_id": event_id, "rev": rev, "change": change}
                life.append(Said(device_id, event(seq, now=at, score=rev / 10, label=f"l{seq % 3}", **words)))
            chance.shuffle(life)
            said += [*life, *chance.sample(life, 2)]
    # Cameras in any order; each of them in its own.
    queues = {device_id: [one for one in said if one.device_id == device_id] for device_id in DEVICES}
    return [queues[device_id].pop(0) for device_id in chance.sample([one.device_id for one in said], len(said))]


@contextmanager
def stage(folder: Path, url: str, processes: int) -> Iterator[tuple[Mosquitto, Site]]:
    """A broker whose registry has spoken, and ingest that has heard every camera's health."""
    with running_broker(folder) as broker:
        registry_speaks(broker)
        with ingest_site(broker, folder, ingest_processes=processes, events_database_url=url) as site:
            site.start_all_ingest()
            yield broker, site


def registry_speaks(broker: Mosquitto) -> None:
    courier = Session(broker.servers, broker.credentials("srv-courier-1"), SessionOptions("srv-courier-1"))
    courier.start()
    assert courier.wait_connected(10)
    answers: list[bool] = []
    for device_id in DEVICES:
        told = facts(now=datetime.now(UTC), site_id=f"site-of-{device_id}").encode()
        courier.publish(topics.registry(device_id), told, qos=1, retain=True, acknowledged=answers.append)
    wait_until(lambda: answers == [True] * len(DEVICES), WITHIN_S, "the registry's facts are at the broker")
    courier.stop()


def everybody_heard(site: Site, cameras: dict[str, FakeCamera]) -> None:
    """Have each camera say its health until every process has heard all of them."""
    wrong = cameras[DEVICES[-1]]
    for speaker in cameras.values():
        off = WRONG if speaker is wrong else timedelta(0)
        speaker.say(health(now=datetime.now(UTC) + off, clock_offset_s=off.total_seconds()))
    line = f'camfleet_ingest_messages_total{{channel="health"}} {len(DEVICES)}.0'
    for process in range(1, site.settings.ingest_processes + 1):
        wait_until(partial(_counts, site, process, line), WITHIN_S, f"process {process} heard them all")


def _counts(site: Site, process: int, line: str) -> bool:
    return line in site.ingest_metrics(process)


def play(site: Site, broker: Mosquitto, stream: list[Said], *, kill: int | None) -> dict[str, set[int]]:
    """Say the whole stream as cameras do, and go on until all has a receipt; returns what was confirmed."""
    with ExitStack() as stack:
        cameras = {device_id: stack.enter_context(camera(broker, device_id)) for device_id in DEVICES}
        everybody_heard(site, cameras)
        for place, one in enumerate(stream):
            cameras[one.device_id].say(one.event)
            if kill is not None and place == len(stream) // 2:
                site.kill(f"ingest-{kill}")
        if kill is not None:
            site.start_ingest(kill)
        again = Resending([(cameras[one.device_id], one.event) for one in stream])
        wait_until(again.is_all_confirmed, WITHIN_S, "everything has a receipt")
        return {device_id: speaker.confirmed() for device_id, speaker in cameras.items()}


def stored(site: Site) -> list[dict[str, Any]]:
    """Every event's row but for what says when it was stored, which stands for a wrong clock's time as well."""
    apart = {"change_seq", "received_at", "happened_at"}
    with site.database.reading() as connection:
        rows = connection.execute(select(events).order_by(events.c.device_id, events.c.event_id)).mappings()
        return [{name: value for name, value in row.items() if name not in apart} for row in rows]


@pytest.fixture(scope="module")
def stream() -> list[Said]:
    return record_stream(count(400, 12, "tracks a camera"))


@pytest.fixture(scope="module")
def alone(stream: list[Said], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What one process makes of the stream, on SQLite."""
    folder = tmp_path_factory.mktemp("alone")
    with stage(folder, f"sqlite:///{folder / 'events.db'}", processes=1) as (broker, site):
        assert play(site, broker, stream, kill=None) == everything(stream)
        return stored(site)


def everything(stream: list[Said]) -> dict[str, set[int]]:
    """Every seq that a camera has said."""
    return {device_id: {one.event.seq for one in stream if one.device_id == device_id} for device_id in DEVICES}


def test_one_process_stores_the_newest_of_each_thing_with_its_site_and_what_its_clock_is_worth(
    alone: list[dict[str, Any]], stream: list[Said]
) -> None:
    assert len(alone) == len({one.event.event_id for one in stream})
    assert {row["rev"] for row in alone} == {4}
    assert {row["device_id"] for row in alone if row["clock_suspect"]} == {DEVICES[-1]}
    assert all(row["site_id"] == f"site-of-{row['device_id']}" for row in alone)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_three_processes_store_what_one_does_though_one_is_killed(
    kind: str, alone: list[dict[str, Any]], stream: list[Said], tmp_path: Path
) -> None:
    with new_database(kind) as url, stage(tmp_path, url(tmp_path), PROCESSES) as (broker, site):
        assert play(site, broker, stream, kill=2) == everything(stream)
        assert stored(site) == alone
        assert all(work_of(site, n) for n in range(1, PROCESSES + 1)), "each process had its share"


def work_of(site: Site, process: int) -> float:
    """How many events a process has received."""
    start = 'camfleet_ingest_messages_total{channel="event"} '
    return sum(
        float(line.removeprefix(start)) for line in site.ingest_metrics(process).splitlines() if line.startswith(start)
    )


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[tuple[Mosquitto, Site]]:
    with running_broker(tmp_path) as broker, ingest_site(broker, tmp_path, ingest_processes=2) as site:
        site.start_all_ingest()
        yield broker, site


def test_only_the_first_judges_presence_and_keeps_what_is_not_an_event(shared: tuple[Mosquitto, Site]) -> None:
    broker, site = shared
    with camera(broker) as speaker:
        speaker.say(presence(now=datetime.now(UTC)))
        speaker.session.publish(topics.health(speaker.device_id), b"nonsense", qos=0)
        for seq in range(1, 9):
            speaker.session.publish(topics.event(speaker.device_id, "main"), b"nonsense %d" % seq, qos=1)
            speaker.event(seq)
        wait_until(lambda: speaker.confirmed() == set(range(1, 9)), WITHIN_S, "receipts from both")
        wait_until(lambda: len(aside(site)) == 9, WITHIN_S, "each bad payload is kept")
        found = Cameras(site.database).get(speaker.device_id)
        assert found
        assert found.columns["presence"] == "online"
    assert set(aside(site).values()) == {1}, "and none by two processes"
    seen = [site.ingest_health(n)["odd"].get("malformed", {"count": 0}) for n in (1, 2)]
    assert sum(said["count"] for said in seen) == 9


def test_a_process_that_stays_away_is_named_in_health_and_the_others_take_its_share(
    shared: tuple[Mosquitto, Site],
) -> None:
    broker, site = shared
    site.start_web()
    site.kill("ingest-2")

    def said() -> dict[str, Any]:
        check: dict[str, Any] = httpx.get(f"{site.url}/health").json()["checks"]["ingest"]
        return check

    wait_until(lambda: said()["status"] == "down", WITHIN_S, "the worst wins")
    assert said()["reason"] == "not ok: srv-ingest-2"
    assert set(said()["processes"]) == {"srv-ingest-1", "srv-ingest-2"}
    assert said()["processes"]["srv-ingest-1"]["status"] == "ok"
    site.start_ingest(2)
    wait_until(lambda: said()["status"] == "ok" and said()["lag_s"] is not None, WITHIN_S, "all is well again")
    with camera(broker) as speaker:
        sent = [speaker.event(seq) for seq in range(1, 21)]
        wait_until(lambda: len(speaker.confirmed()) == len(sent), WITHIN_S, "events go on")


def test_one_process_becomes_two_and_one_again_and_nobody_gets_an_event_twice(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker, camera(broker) as speaker:
        for seq, processes in enumerate((1, 2, 1), start=1):
            with ingest_site(broker, tmp_path, ingest_processes=processes) as site:
                site.start_all_ingest()
                speaker.event(seq)
                wait_until(partial(_has_receipt, speaker, seq), WITHIN_S, "receipt")
                received = sum(work_of(site, n) for n in range(1, processes + 1))
                assert received == 1, f"with {processes} processes"


def _has_receipt(speaker: FakeCamera, seq: int) -> bool:
    return seq in speaker.confirmed()


def aside(site: Site) -> dict[bytes, int]:
    with site.database.reading() as connection:
        return {row["payload"]: row["count"] for row in connection.execute(select(quarantine)).mappings()}
