"""What the camera says about itself, message by message."""

import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from camera_agent.delivery.outbox import Depth
from camera_agent.house import House, HouseFigures
from camera_agent.reporting import Introduction, Reporter, will_of
from camera_agent.streams.figures import StreamFigures
from camera_agent.streams.status import StatusBoard
from fleet.messages import Birth, Health, ModelInfo, Presence, Reason, StreamHealth, StreamInfo, StreamStatus
from tests.unit.camera_agent.fakes import LinkFake
from tests.unit.camera_agent.tracks import BEGIN, after

ME = "fleet/v1/cam-front-1/up"
HOUSE = HouseFigures(12.5, 1000, 2000, 3000, None)
EMPTY = Depth(0, 0, timedelta())


@pytest.fixture
def link() -> LinkFake:
    return LinkFake()


@pytest.fixture
def board() -> StatusBoard:
    board = StatusBoard()
    board.enter(StreamInfo(name="main", kind="usb", fps=5), BEGIN)
    return board


@pytest.fixture
def reporter(link: LinkFake, board: StatusBoard) -> Reporter:
    models = (ModelInfo(name="nanodet", sha256="0" * 64),)
    who = Introduction("cam-front-1", 7, "camfleet-agent 0", models, after(100), 15)
    return Reporter(who, board, link, lambda: after(1))


def test_an_announcement_is_birth_presence_and_every_stream_retained(reporter: Reporter, link: LinkFake) -> None:
    reporter.announce()
    assert [topic for topic, *_ in link.sent] == [f"{ME}/birth", f"{ME}/presence", f"{ME}/stream/main/status"]
    assert all((qos, retain) == (1, True) for *_, qos, retain in link.sent)
    birth = Birth.decode(link.sent[0][1])
    assert (birth.session, birth.certificate_not_after, birth.versions) == (7, after(100), [1])
    assert Presence.decode(link.sent[1][1]).state == "online"


def test_the_will_is_an_offline_of_the_same_session_and_topic(reporter: Reporter, link: LinkFake) -> None:
    will = will_of("cam-front-1", 7, BEGIN)
    death = Presence.decode(will.payload)
    assert (will.topic, will.qos, will.retain) == (f"{ME}/presence", 1, True)
    assert (death.session, death.state, death.reason) == (7, "offline", Reason.CONNECTION_LOST)
    assert will.delay == timedelta(seconds=10)


def test_stopping_says_why(reporter: Reporter, link: LinkFake) -> None:
    reporter.say_stopping()
    said = Presence.decode(link.sent[0][1])
    assert (said.state, said.reason) == ("stopping", Reason.STOPPED)


def test_a_stream_that_opened_is_told_with_its_size(reporter: Reporter, board: StatusBoard, link: LinkFake) -> None:
    board.on_change(reporter.say_stream_and_shape)
    board.go_online(StreamInfo(name="main", kind="usb", width=640, height=480, fps=5), after(1))
    assert StreamStatus.decode(link.sent[0][1]).state == "online"
    assert Birth.decode(link.sent[1][1]).streams[0].width == 640


def test_a_stream_that_failed_is_told_with_reason_and_detail(
    reporter: Reporter, board: StatusBoard, link: LinkFake
) -> None:
    board.on_change(reporter.say_stream_and_shape)
    board.go_offline("main", Reason.GONE, "unplugged", after(3))
    [(topic, payload, _, _)] = link.sent
    said = StreamStatus.decode(payload)
    assert topic == f"{ME}/stream/main/status"
    assert (said.state, said.reason, said.detail, said.since) == ("offline", Reason.GONE, "unplugged", after(3))


def test_since_stays_while_only_the_detail_changes(board: StatusBoard) -> None:
    board.go_offline("main", Reason.GONE, "one", after(3))
    board.go_offline("main", Reason.GONE, "two", after(9))
    assert board.reports()["main"].since == after(3)


def test_health_counts_up_and_carries_house_outbox_and_streams(
    reporter: Reporter, board: StatusBoard, link: LinkFake
) -> None:
    board.go_online(StreamInfo(name="main", kind="usb"), BEGIN)
    board.measure("main", StreamHealth(fps=4.9, dropped_frames=2, inference_ms=30))
    reporter.say_health(HOUSE, Depth(3, 999, timedelta(seconds=8)), 0.25)
    reporter.say_health(HOUSE, EMPTY, None)
    first, second = (Health.decode(payload) for _, payload, _, _ in link.sent)
    assert (first.seq, second.seq) == (1, 2)
    assert (first.outbox_depth, first.outbox_oldest_s, first.clock_offset_s) == (3, 8, 0.25)
    assert (first.streams["main"].fps, first.streams["main"].dropped_frames) == (4.9, 2)
    assert all((qos, retain) == (0, False) for *_, qos, retain in link.sent)


def test_a_stream_that_is_not_online_has_no_frame_rate(reporter: Reporter, board: StatusBoard, link: LinkFake) -> None:
    board.measure("main", StreamHealth(fps=4.9))
    board.go_offline("main", Reason.GONE, "unplugged", BEGIN)
    reporter.say_health(HOUSE, EMPTY, None)
    assert Health.decode(link.sent[0][1]).streams["main"].fps == 0


def test_the_house_is_read_from_this_machine(tmp_path: Path) -> None:
    figures = House(tmp_path).read()
    assert figures.rss_bytes > 1_000_000
    assert 0 < figures.disk_free_bytes <= figures.disk_total_bytes


def test_frame_rate_is_that_of_the_newest_seconds() -> None:
    figures = StreamFigures()
    assert figures.health(0).fps == 0
    for step in range(100):
        figures.count(step * 0.2, 0.03, 0)
    assert figures.health(99 * 0.2).fps == pytest.approx(5, rel=0.02)
    assert figures.health(60).fps == 0


def test_time_per_frame_follows_slowly() -> None:
    figures = StreamFigures()
    figures.count(0, 0.030, 0)
    assert figures.health(0).inference_ms == 30
    means = []
    for step in range(1, 20):
        figures.count(step, 0.060, 0)
        means.append(figures.health(step).inference_ms)
    assert all(earlier < later < 60 for earlier, later in pairwise(means))


def test_whoever_speaks_last_tells_the_newest_state(reporter: Reporter, board: StatusBoard, link: LinkFake) -> None:
    def flap() -> None:
        for step in range(300):
            board.go_offline("main", Reason.GONE, str(step), BEGIN)

    board.on_change(reporter.say_stream)
    threads = [threading.Thread(target=work) for work in (flap, reporter.announce, reporter.announce)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    told = [StreamStatus.decode(payload).detail for topic, payload, _, _ in link.sent if topic.endswith("/status")]
    steps = [-1 if detail is None else int(detail) for detail in told]
    assert steps == sorted(steps)
    assert steps[-1] == 299
