"""PostgreSQL stops and starts again under ingest, feed and pages: everything waits, says so, and is live by itself."""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.store.events import EventFilter, Events
from tests.support.broker import Mosquitto, running_broker
from tests.support.dashboard import Site
from tests.support.fake_camera import camera
from tests.support.ingest_site import ingest_site
from tests.support.postgres import Postgres, living, require_postgres
from tests.support.waiting import wait_until

WITHIN_S = 60.0


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    require_postgres()
    with (
        tempfile.TemporaryDirectory(prefix="camfleet-postgres-", ignore_cleanup_errors=True) as folder,
        living(Postgres(Path(folder))) as server,
    ):
        yield server


@pytest.fixture
def host(postgres: Postgres, tmp_path: Path) -> Iterator[tuple[Mosquitto, Site]]:
    with (
        running_broker(tmp_path) as broker,
        ingest_site(broker, tmp_path, events_database_url=postgres.url) as site,
    ):
        site.start_all_ingest()
        yield broker, site


class Follower:
    """A browser's EventSource: it keeps what it got and comes back where it stopped, whatever ends the stream."""

    def __init__(self, site: Site, browser: httpx.Client) -> None:
        self.tracks: set[int] = set()
        self.statuses: list[int] = []
        self._address, self._cookies = site.feed_url + "/feed", dict(browser.cookies)
        self._last_id = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(0.2):
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._last_id} if self._last_id else {})
            try:
                with httpx.stream("GET", self._address, headers=headers, cookies=self._cookies, timeout=20) as answer:
                    self.statuses.append(answer.status_code)
                    self._read(answer)
            except httpx.HTTPError:
                continue

    def _read(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            return
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                self._last_id = value
            elif name == "data":
                self.tracks |= {item["track_id"] for item in json.loads(value).get("events", [])}


def checks(site: Site) -> dict[str, Any]:
    said: dict[str, Any] = httpx.get(f"{site.url}/health").json()["checks"]
    return said


def checks_of_ingest(site: Site) -> dict[str, Any]:
    try:
        return site.ingest_health()
    except httpx.HTTPError:
        return {}


def test_a_database_that_stops_is_waited_for_said_everywhere_and_everything_goes_on_by_itself(
    host: tuple[Mosquitto, Site], postgres: Postgres
) -> None:
    broker, site = host
    site.start_web()
    site.start_feed()
    with closing(site.log_in()) as browser, camera(broker) as speaker:
        follower = Follower(site, browser)
        wait_until(lambda: 200 in follower.statuses, WITHIN_S, "the feed is followed")
        sent = [str(speaker.event(seq, track_id=seq).event_id) for seq in range(1, 11)]
        wait_until(lambda: len(speaker.confirmed()) == 10, WITHIN_S, "receipts")
        postgres.stop()
        sent += [str(speaker.event(seq, track_id=seq).event_id) for seq in range(11, 21)]
        wait_until(lambda: checks(site)["ingest"]["status"] == "down", WITHIN_S, "health says that ingest waits")
        said = checks(site)
        assert not said["ingest"]["database"]["ok"]
        assert said["ingest"]["database"]["reason"]
        assert said["database"]["status"] == "down"
        for path in ("/", "/review"):
            page = browser.get(path, headers={"Accept": "text/html"})
            assert (page.status_code, "The database does not answer" in page.text) == (503, True), path
        answer = browser.get("/api/v1/events")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert answer.json()["title"] == "The database does not answer"
        told = httpx.get(site.feed_url + "/feed", cookies=dict(browser.cookies))
        assert (told.status_code, told.json()["title"]) == (503, "The database does not answer")
        assert len(speaker.confirmed()) == 10, "nothing is confirmed that is not stored"
        postgres.start()
        wait_until(lambda: len(speaker.confirmed()) == 20, WITHIN_S, "receipts of what waited")
        wait_until(lambda: checks(site)["ingest"]["status"] == "ok", WITHIN_S, "ingest is well again")
        wait_until(lambda: follower.tracks == set(range(1, 21)), WITHIN_S, "the feed brings what was missed")
        follower.stop()
        assert browser.get("/").status_code == 200
        assert browser.get("/api/v1/events").json()["items"]
    assert {row["event_id"] for row in Events(site.database).newest_first(EventFilter(), 100)} == set(sent)


def test_ingest_starts_while_the_database_is_away_and_begins_when_it_comes(
    host: tuple[Mosquitto, Site], postgres: Postgres
) -> None:
    broker, site = host
    with camera(broker) as speaker:
        site.kill("ingest")
        postgres.stop()
        speaker.event(1)
        site.launch_ingest()
        wait_until(lambda: "status" in checks_of_ingest(site), WITHIN_S, "it listens")
        said = checks_of_ingest(site)
        assert (said["status"], said["database"]["ok"]) == ("down", False)
        postgres.start()
        wait_until(lambda: speaker.confirmed() == {1}, WITHIN_S, "the broker had kept the event")
