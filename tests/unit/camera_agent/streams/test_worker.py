"""A stream's thread: it tells its state, comes back after every failure, and loses no decided event."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from camera_agent.capture.source import SourceFailed
from camera_agent.delivery.outbox import OutboxUnwritable
from camera_agent.events import Decision, EventPolicy
from camera_agent.pipeline import StreamPipeline
from camera_agent.streams.backoff import Backoff
from camera_agent.streams.building import event_id
from camera_agent.streams.status import StatusBoard
from camera_agent.streams.worker import StreamWorker
from camera_agent.tracking.tracker import ByteTracker
from camera_agent.vision.types import Box, Detection, Frame
from fleet.messages import Change, Reason, StreamInfo, StreamState
from tests.support.waiting import wait_until
from tests.unit.camera_agent.fakes import ClockFake, DetectorFake, SourceFake, broken
from tests.unit.camera_agent.tracks import BEGIN

DAY = timedelta(days=1)
PERSON = Detection("person", 0.8, Box(0.4, 0.4, 0.1, 0.3))


@dataclass
class Scene:
    """A worker over sources that a test lines up, and everything that it said and kept."""

    sources: list[SourceFake]
    kept: list[Decision] = field(default_factory=list)
    said: list[tuple[StreamState, Reason | None]] = field(default_factory=list)
    refusals: int = 0
    clock: ClockFake = field(default_factory=ClockFake)
    board: StatusBoard = field(default_factory=StatusBoard)

    def __post_init__(self) -> None:
        self.board.enter(StreamInfo(name="main", kind="fake"), BEGIN)
        self.board.on_change(lambda _name: self.said.append((self.report.state, self.report.reason)))
        self.worker = StreamWorker(
            "main", self.next_source, self.pipeline, self.keep, self.board, self.clock, Backoff(lambda: 1.0)
        )

    @property
    def report(self):  # type: ignore[no-untyped-def]
        return self.board.reports()["main"]

    def next_source(self) -> SourceFake:
        if len(self.sources) == 1:
            self.worker.ask_to_stop()
        return self.sources.pop(0)

    def pipeline(self) -> StreamPipeline:
        return StreamPipeline(DetectorFake([PERSON]), ByteTracker(), EventPolicy(event_id))

    def keep(self, _stream: str, decisions: Sequence[Decision]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OutboxUnwritable("the disk is full")
        self.kept += decisions

    def play(self) -> "Scene":
        """Run until the last source was taken and the thread has ended."""
        self.worker.start()
        assert self.worker._thread is not None
        self.worker._thread.join(10)
        assert not self.worker._thread.is_alive()
        return self


def test_a_stream_is_online_from_its_first_frame() -> None:
    scene = Scene([SourceFake(), SourceFake()]).play()
    assert scene.said[0] == (StreamState.ONLINE, None)
    assert (scene.report.info.width, scene.report.info.height) == (64, 48)


def test_what_is_open_when_a_source_ends_is_ended() -> None:
    scene = Scene([SourceFake(count=10, fails_after=broken(Reason.GONE)), SourceFake(count=0)]).play()
    assert [said.change for said in scene.kept] == [Change.NEW, Change.END]


def test_an_ended_recording_is_said_and_not_tried_again() -> None:
    scene = Scene([SourceFake(), SourceFake(), SourceFake()]).play()
    assert scene.said == [(StreamState.ONLINE, None), (StreamState.OFFLINE, Reason.ENDED)]
    assert len(scene.sources) == 2


def test_a_source_that_fails_is_opened_again_after_growing_waits() -> None:
    failing = [SourceFake(fails_to_open=broken(Reason.REFUSED)) for _ in range(4)]
    scene = Scene([*failing, SourceFake(count=0)]).play()
    assert scene.said == [(StreamState.OFFLINE, Reason.REFUSED)]
    assert scene.clock.waits == [1, 2, 4, 8]


def test_each_reason_is_told() -> None:
    reasons = (Reason.DNS, Reason.AUTH, Reason.TIMEOUT, Reason.FROZEN)
    failing = [SourceFake(fails_to_open=broken(reason)) for reason in reasons]
    scene = Scene([*failing, SourceFake(count=0)]).play()
    assert [reason for _, reason in scene.said] == list(reasons)


def test_a_frame_makes_the_waits_short_again() -> None:
    bad, good = broken(Reason.GONE), SourceFake(fails_after=broken(Reason.GONE))
    lined_up = [SourceFake(fails_to_open=bad), SourceFake(fails_to_open=bad), good, SourceFake(count=0)]
    assert Scene(lined_up).play().clock.waits == [1, 2, 1]


def test_a_defect_in_one_stream_is_said_and_the_stream_starts_over() -> None:
    scene = Scene([SourceFake(fails_after=ZeroDivisionError("oops")), SourceFake(count=0)]).play()
    assert scene.said[-1] == (StreamState.OFFLINE, Reason.FAILED)
    assert "ZeroDivisionError" in scene.report.detail


def test_every_source_is_closed_whatever_happened() -> None:
    used = [
        SourceFake(),
        SourceFake(fails_after=RuntimeError("x")),
        SourceFake(fails_after=broken(Reason.GONE)),
    ]
    Scene([*used[1:], used[0]]).play()
    assert not any(source.is_open for source in used)


def test_events_wait_for_the_disk_and_are_kept_once() -> None:
    scene = Scene([SourceFake(count=10, fails_after=broken(Reason.GONE)), SourceFake(count=0)], refusals=5)
    scene.play()
    assert [said.change for said in scene.kept] == [Change.NEW, Change.END]


@dataclass
class SetBack(SourceFake):
    """Its clock goes back by ten years after the tenth frame."""

    def frames(self) -> Iterator[Frame]:
        for frame in super().frames():
            yield frame if frame.index < 10 else replace(frame, captured_at=frame.captured_at - 3650 * DAY)


def test_a_clock_that_is_set_back_ends_what_is_open_and_the_stream_goes_on() -> None:
    scene = Scene([SetBack(count=20), SourceFake(count=0)]).play()
    assert [said.change for said in scene.kept] == [Change.NEW, Change.END, Change.NEW, Change.END]
    assert scene.kept[1].frame_ts > scene.kept[2].frame_ts + 3000 * DAY
    assert scene.said[0] == (StreamState.ONLINE, None)


def test_a_stream_that_waits_for_the_disk_says_so_once_and_is_online_again_by_itself() -> None:
    scene = Scene([SourceFake(count=10), SourceFake(count=0)], refusals=5)
    scene.play()
    assert scene.said[:3] == [
        (StreamState.ONLINE, None),
        (StreamState.OFFLINE, Reason.DISK),
        (StreamState.ONLINE, None),
    ]
    assert [reason for _, reason in scene.said].count(Reason.DISK) == 1


def test_a_stopped_worker_ends_its_open_events() -> None:
    frames_seen = 0

    def stop_at_seventh(index: int) -> None:
        nonlocal frames_seen
        frames_seen = index + 1
        if index == 6:
            scene.worker.ask_to_stop()

    scene = Scene([SourceFake(count=1000, on_frame=stop_at_seventh), SourceFake()])
    scene.play()
    assert frames_seen == 7
    assert [said.change for said in scene.kept] == [Change.NEW, Change.END]


def test_stop_waits_for_the_thread() -> None:
    scene = Scene([SourceFake(count=0, fails_after=broken(Reason.GONE)) for _ in range(100_000)])
    scene.worker.start()
    wait_until(lambda: scene.said, 5, "the stream says something")
    scene.worker.stop(5)
    assert scene.worker._thread is not None
    assert not scene.worker._thread.is_alive()


def test_frames_and_drops_are_measured_over_several_openings() -> None:
    first, second = SourceFake(dropped=3, fails_after=broken(Reason.GONE)), SourceFake(dropped=4)
    scene = Scene([first, second]).play()
    assert scene.report.health.dropped_frames == 7


def test_backoff_jitters_within_half_of_its_ceiling_and_stops_growing() -> None:
    low, high = Backoff(lambda: 0.0), Backoff(lambda: 1.0)
    assert [low.next_s() for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]
    assert [high.next_s() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_the_same_state_is_said_once() -> None:
    said: list[str] = []
    board = StatusBoard()
    board.enter(StreamInfo(name="main", kind="usb"), BEGIN)
    board.on_change(said.append)
    for _ in range(3):
        board.go_offline("main", Reason.GONE, "unplugged", BEGIN)
    assert said == ["main"]


@pytest.mark.parametrize("make", [lambda: SourceFailed(Reason.DNS, "x" * 500)])
def test_a_long_detail_is_cut_to_what_a_message_takes(make: Callable[[], SourceFailed]) -> None:
    scene = Scene([SourceFake(fails_to_open=make()), SourceFake(count=0)]).play()
    assert len(scene.report.detail) == 200
