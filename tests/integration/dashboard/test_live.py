"""The feed as a process: changes reach a browser from the store, at once and without a gap."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.ingest.decode import Fact, decode
from dashboard.ingest.projection import Projection
from dashboard.store.intake import Intake
from tests.contract.dashboard.test_intake import records_of
from tests.support.camera_words import CAMERA, MOMENT, event, facts, presence, received
from tests.support.dashboard import Site, running_site, site_settings
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home: Path = tmp_path_factory.mktemp("site")
    with running_site(site_settings(home)) as found:
        found.start_web()
        found.start_feed()
        yield found


@pytest.fixture(scope="module")
def browser(site: Site) -> httpx.Client:
    return site.log_in()


class Listener:
    """Follows the feed on a thread and keeps what it got."""

    def __init__(
        self, site: Site, browser: httpx.Client, headers: dict[str, str] | None = None, query: str = ""
    ) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self.messages: list[dict[str, Any]] = []
        self.ended = False
        self._address = site.feed_url + "/feed" + query
        self._headers = {"Accept": "text/event-stream", **(headers or {})}
        self._cookies = dict(browser.cookies)
        self.connected = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()
        assert self.connected.wait(10)

    def seqs(self) -> list[int]:
        return [item["change_seq"] for message in self.messages for item in message["data"].get("events", [])]

    def _follow(self) -> None:
        message: dict[str, Any] = {}
        try:
            with httpx.stream("GET", self._address, headers=self._headers, cookies=self._cookies, timeout=30) as answer:
                self.connected.set()
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "data":
                        self.messages.append({**message, "data": json.loads(value), "at": time.monotonic()})
                    elif name:
                        message[name] = value
        except httpx.HTTPError:
            pass
        self.ended = True


def write(site: Site, *seqs: int) -> None:
    Intake(site.database).write(records_of(*(event(seq) for seq in seqs)))


def test_without_a_session_there_is_no_feed(site: Site) -> None:
    answer = httpx.get(site.feed_url + "/feed", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_a_stored_event_is_in_the_browser_within_a_moment(site: Site, browser: httpx.Client) -> None:
    listener = Listener(site, browser)
    wrote = time.monotonic()
    write(site, 1)
    wait_until(lambda: listener.messages, 10, "the event arrives")
    [message] = listener.messages
    assert message["event"] == "changes"
    assert message["data"]["events"][0]["label"] == "person"
    # A generous bound for a busy machine; bench.latency has the real figure.
    assert message["at"] - wrote < 2.0


def test_cameras_come_with_their_whole_state(site: Site, browser: httpx.Client) -> None:
    listener = Listener(site, browser)
    Intake(site.database).write(records_of(facts(), presence()))
    wait_until(lambda: listener.messages, 10, "the camera arrives")
    [camera] = listener.messages[0]["data"]["cameras"]
    assert (camera["device_id"], camera["presence"], camera["name"]) == (CAMERA, "online", "Front door")


def test_a_revocation_and_its_end_are_told_by_feed_and_api(site: Site, browser: httpx.Client) -> None:
    listener = Listener(site, browser)
    projection = Projection()
    for told, reason in (facts(denied=True), "revoked"), (facts(denied=False), "never-seen"):
        fact = decode(received(told), MOMENT)
        assert isinstance(fact, Fact)
        listener.messages.clear()
        Intake(site.database).write(projection.take(fact).records)
        wait_until(lambda: listener.messages, 10, "the camera arrives")
        [camera] = listener.messages[0]["data"]["cameras"]
        assert (camera["state"], camera["reason"]) == ("accepted", reason)
        assert browser.get(f"/api/v1/cameras/{CAMERA}").json()["reason"] == reason


def test_a_browser_that_comes_back_gets_exactly_what_it_missed(site: Site, browser: httpx.Client) -> None:
    cursor = browser.get("/api/v1/cameras").json()["cursor"]
    write(site, 1, 2)
    write(site, 3)
    for how in ({"query": f"?since={cursor}"}, {"headers": {"Last-Event-ID": str(cursor)}}):
        listener = Listener(site, browser, **how)  # type: ignore[arg-type]
        wait_until(lambda found=listener: len(found.seqs()) >= 3, 10, "what was missed")  # type: ignore[misc]
        assert len(listener.seqs()) == 3
        assert min(listener.seqs()) > cursor


def test_a_browser_that_was_away_for_long_gets_a_summary(site: Site, browser: httpx.Client) -> None:
    cursor = browser.get("/api/v1/cameras").json()["cursor"]
    write(site, *range(1, 602))
    listener = Listener(site, browser, query=f"?since={cursor}")
    wait_until(lambda: listener.messages, 10, "the summary")
    assert listener.messages[0]["event"] == "summary"
    assert listener.messages[0]["data"]["skipped"] >= 600


def test_a_busy_store_writes_at_most_five_times_a_second_and_loses_nothing(site: Site, browser: httpx.Client) -> None:
    listener = Listener(site, browser)
    began = time.monotonic()
    for seq in range(1, 41):
        write(site, seq)
    wait_until(lambda: len(listener.seqs()) == 40, 20, "all events")
    took = listener.messages[-1]["at"] - began
    moments = sorted({round(message["at"], 2) for message in listener.messages})
    assert len(moments) <= 5 * took + 2
    assert listener.seqs() == sorted(set(listener.seqs()))


def test_the_stream_ends_soon_after_logging_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # The period is the program's; here only that a closed session gets no new stream.
    browser = site.log_in()
    token = browser.get("/").text.split('name="csrf-token" content="')[1].split('"')[0]
    cookies = dict(browser.cookies)
    assert browser.post("/logout", data={"csrf_token": token}).status_code == 302
    answer = httpx.get(site.feed_url + "/feed", cookies=cookies, headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401


def test_metrics_of_all_workers_are_added_up(site: Site, browser: httpx.Client) -> None:
    for _ in range(6):
        httpx.get(site.url + "/api/v1/cameras")
    figures = httpx.get(site.url + "/metrics").text
    [line] = [
        line for line in figures.splitlines() if line.startswith('flask_http_request_total{method="GET",status="401"')
    ]
    assert float(line.rsplit(" ", 1)[1]) >= 6
    assert "camfleet_feed_clients" in httpx.get(site.feed_url + "/metrics").text


def test_a_bad_cursor_is_a_problem(site: Site, browser: httpx.Client) -> None:
    answer = httpx.get(site.feed_url + "/feed?since=x", cookies=dict(browser.cookies))
    assert answer.status_code == 400


def test_the_feed_stops_quickly_though_streams_are_open(site: Site, browser: httpx.Client) -> None:
    listener = Listener(site, browser)
    process = site.processes["feed"]
    process.terminate()
    assert process.wait(10) == 0
    wait_until(lambda: listener.ended, 10, "the stream ended")
    site.start_feed()
