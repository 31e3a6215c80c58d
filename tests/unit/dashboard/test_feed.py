"""The feed: rendered once, at most five writes a second, resumed without a gap."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from dashboard.feed import hub as hub_module
from dashboard.feed.frames import HEARTBEAT, HELLO
from dashboard.feed.hub import MOST_BEHIND, Hub, TooManyClients
from dashboard.feed.stream import CHECK_EVERY_S, PAUSE_S, ClientStream
from dashboard.store.changes import ChangeSet
from dashboard.store.database import StoreUnavailable
from dashboard.store.payload import Said
from dashboard.store.tables import events
from tests.support.camera_words import MOMENT

TIMES = {"started_at", "ended_at", "ts", "frame_ts", "received_at"}


def row(change_seq: int) -> dict[str, Any]:
    empty = dict.fromkeys([*(column.name for column in events.c), *Said.__struct_fields__])
    return empty | dict.fromkeys(TIMES, MOMENT) | {"change_seq": change_seq, "camera_name": "Front"}


@dataclass
class FakeSource:
    last: int = 0
    reads: int = 0
    fails: bool = False

    def newest(self) -> int:
        if self.fails:
            raise StoreUnavailable("down")
        return self.last

    def may_have_come(self) -> bool:
        return True

    def count_after(self, change_seq: int) -> int:
        return self.last - change_seq

    def after(self, change_seq: int) -> ChangeSet:
        self.reads += 1
        return ChangeSet(self.last, [], [row(seq) for seq in range(change_seq + 1, self.last + 1)])


class QuietHub(Hub):
    """A hub whose polling the test does itself, and whose waiting costs no time."""

    def __init__(self, source: FakeSource, on_wait: Callable[[], None] = lambda: None) -> None:
        super().__init__(source)
        self._source_now = source
        self._on_wait = on_wait
        self.cursor = source.last

    def _join(self) -> None:
        self._source_now.newest()
        self._clients += 1

    def wait_for_news(self, cursor: int, timeout_s: float) -> bool:
        self._on_wait()
        return super().wait_for_news(cursor, 0)


@dataclass
class FakeTime:
    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def seqs(body: bytes) -> list[int]:
    lines = [line for line in body.decode().splitlines() if line.startswith("data: ")]
    return [event["change_seq"] for line in lines for event in json.loads(line[6:]).get("events", [])]


def stream_of(
    hub: Hub, since: int | None = None, *, time: FakeTime | None = None, stays: bool = True
) -> Iterator[bytes]:
    moment = time or FakeTime()
    return iter(ClientStream(hub, since, lambda: stays, moment.clock, moment.sleep))


def test_what_comes_is_rendered_once_for_everybody() -> None:
    source = FakeSource()
    hub = QuietHub(source)
    source.last = 3
    hub.poll()
    reads = source.reads
    assert [seqs(hub.read(0)[0]) for _ in range(5)] == [[1, 2, 3]] * 5
    assert source.reads == reads


def test_a_client_gets_only_what_it_lacks() -> None:
    source = FakeSource()
    hub = QuietHub(source)
    for last in (2, 5):
        source.last = last
        hub.poll()
    body, cursor = hub.read(2)
    assert (seqs(body), cursor) == ([3, 4, 5], 5)
    assert b"id: 5\n" in body
    assert hub.read(5) == (b"", 5)


def test_a_client_that_resumes_from_before_the_feed_started_loses_nothing() -> None:
    hub = QuietHub(FakeSource(last=20))
    assert seqs(hub.read(17)[0]) == [18, 19, 20]


def test_a_client_that_fell_far_behind_gets_a_summary_and_a_cursor() -> None:
    hub = QuietHub(FakeSource(last=MOST_BEHIND + 2))
    body, cursor = hub.read(1)
    assert body.startswith(b"event: summary\n")
    assert json.loads(body.decode().split("data: ")[1]) == {"cursor": cursor, "skipped": MOST_BEHIND + 1}


def test_a_flood_is_a_summary_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MOST_BEHIND", 3)
    source = FakeSource()
    hub = QuietHub(source)
    for last in (2, 4):
        source.last = last
        hub.poll()
    assert hub.read(0)[0].startswith(b"event: summary\n")
    assert seqs(hub.read(2)[0]) == [3, 4]


def test_a_cursor_from_another_life_of_the_database_starts_anew() -> None:
    body, cursor = QuietHub(FakeSource(last=4)).read(900)
    assert body.startswith(b"event: summary\n")
    assert cursor == 4


def test_a_cursor_that_the_feed_has_not_polled_yet_is_no_news() -> None:
    source = FakeSource(last=4)
    hub = QuietHub(source)
    source.last = 5
    assert hub.read(5) == (b"", 5)


def test_old_changes_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MOST_KEPT", 3)
    source = FakeSource()
    hub = QuietHub(source)
    for last in range(1, 9):
        source.last = last
        hub.poll()
    assert seqs(hub.read(6)[0]) == [7, 8]
    assert seqs(hub.read(1)[0]) == [2, 3, 4, 5, 6, 7, 8]


def test_a_stream_says_hello_then_news_then_heartbeats() -> None:
    source = FakeSource()
    hub = QuietHub(source)
    stream = stream_of(hub)
    assert next(stream) == HELLO
    source.last = 1
    hub.poll()
    assert seqs(next(stream)) == [1]
    assert next(stream) == HEARTBEAT
    assert hub.clients == 1
    stream.close()  # type: ignore[attr-defined]
    assert hub.clients == 0


def test_news_after_a_quiet_time_is_written_at_once_and_a_burst_is_gathered() -> None:
    source, time = FakeSource(), FakeTime()
    hub = QuietHub(source)
    stream = stream_of(hub, time=time)
    next(stream)
    source.last = 1
    hub.poll()
    next(stream)
    assert time.slept == []
    for last in (2, 3, 4):
        source.last = last
        hub.poll()
        time.now += 0.01
    assert seqs(next(stream)) == [2, 3, 4]
    assert time.slept == [pytest.approx(PAUSE_S - 0.03)]


def test_a_stream_ends_when_its_session_does() -> None:
    time = FakeTime()
    hub = QuietHub(FakeSource())
    stream = stream_of(hub, time=time, stays=False)
    next(stream)
    assert next(stream) == HEARTBEAT
    time.now += CHECK_EVERY_S
    assert list(stream) == []
    assert hub.clients == 0


def test_a_stream_over_a_dead_database_ends_and_the_browser_comes_back() -> None:
    assert list(stream_of(QuietHub(FakeSource(fails=True)))) == []


def test_there_is_a_limit_to_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MOST_CLIENTS", 1)
    hub = Hub(FakeSource())
    with hub.client(), pytest.raises(TooManyClients), hub.client():
        pass


class TwoSites(FakeSource):
    """Changes at one site and the other by turns."""

    def after(self, change_seq: int) -> ChangeSet:
        changes = super().after(change_seq)
        for event in changes.events:
            event["site_id"] = "hq" if event["change_seq"] % 2 else "depot"
        return changes


def test_who_is_for_some_sites_gets_their_changes_only_and_goes_on_behind_the_others() -> None:
    source = TwoSites()
    hub = QuietHub(source)
    source.last = 5
    hub.poll()
    hq = frozenset({"hq"})
    assert (seqs(hub.read(0, hq)[0]), hub.read(0, hq)[1]) == ([1, 3, 5], 5)
    assert hub.read(3, frozenset({"depot"}))[1] == 5
    assert hub.read(0, frozenset()) == (b"", 5)
    assert seqs(hub.read(0)[0]) == [1, 2, 3, 4, 5]
