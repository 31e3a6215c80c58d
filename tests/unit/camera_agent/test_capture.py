"""Sources: what their text means, how a recording is paced, and how each failure is told."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from camera_agent.capture.live import LiveSource
from camera_agent.capture.options import REPLAY, SourceOptions, cropped
from camera_agent.capture.playback import Playback
from camera_agent.capture.reels import FolderReel, Picture, VideoReel
from camera_agent.capture.rtsp import without_credentials
from camera_agent.capture.source import Source, SourceFailed
from camera_agent.capture.spec import SourceUnknown, recording_from, source_from
from camera_agent.capture.usb import UsbCamera
from camera_agent.vision.types import Frame, Image
from fleet.messages import Reason

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """Time passes only when somebody waits, or when a test says that work took long."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed)

    def seconds(self) -> float:
        return self.passed

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        self.passed += max(seconds, 0.0)


class FakeReel:
    """Ten pictures a second, each filled with its own number."""

    kind = "file"

    def __init__(self, count: int = 10, rate: float = 10.0) -> None:
        self.count, self.rate = count, rate

    def pictures(self) -> Iterator[Picture]:
        return (partial(np.full, (40, 60, 3), number, np.uint8) for number in range(self.count))


def playback(options: SourceOptions, reel: FakeReel | None = None) -> tuple[Playback, FakeClock]:
    clock, played = FakeClock(), reel or FakeReel()
    source = Playback("file", lambda: played, options, clock)
    source.open()
    return source, clock


def numbers(frames: Iterator[Frame], count: int) -> list[int]:
    return [int(frame.image[0, 0, 0]) for frame in islice(frames, count)]


def write_video(path: Path, frames: int, size: tuple[int, int] = (64, 48), rate: int = 10) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            image = np.full((size[1], size[0], 3), number * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))


def opened(source: Source) -> Source:
    source.open()
    return source


def failure_of(source: Source) -> SourceFailed:
    with pytest.raises(SourceFailed) as caught:
        list(opened(source).frames())
    assert "\n" not in caught.value.detail
    return caught.value


def test_half_the_rate_takes_every_second_frame_when_it_is_due() -> None:
    source, clock = playback(SourceOptions(fps=5, loop=False))
    frames = list(source.frames())
    assert [frame.index for frame in frames] == [0, 2, 4, 6, 8]
    assert [(frame.captured_at - BEGIN).total_seconds() for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert (source.fps, source.dropped, clock.passed) == (5, 0, pytest.approx(0.8))


@pytest.mark.parametrize(("fps", "expected"), [(3, 3), (4, 4), (7, 7), (10, 10), (25, 10)])
def test_as_many_frames_a_second_as_asked_for_but_none_twice(fps: float, expected: int) -> None:
    source, _ = playback(SourceOptions(fps=fps, loop=False))
    assert len(list(source.frames())) == expected


def test_a_loop_goes_on_counting() -> None:
    source, _ = playback(SourceOptions(fps=10))
    frames = list(islice(source.frames(), 25))
    assert [frame.index for frame in frames] == list(range(25))
    assert [int(frame.image[0, 0, 0]) for frame in frames[9:12]] == [9, 0, 1]


def test_a_slow_reader_misses_frames_and_does_not_lag() -> None:
    source, clock = playback(SourceOptions(fps=10, loop=False), FakeReel(count=40))
    late = []
    for frame in source.frames():
        late.append(clock.passed - frame.index / 10)
        clock.passed += 0.25
    assert max(late) <= 0.1 + 1e-9
    assert source.dropped == 40 - len(late) > 0


def test_after_a_long_sleep_it_goes_on_from_where_it_was() -> None:
    source, clock = playback(SourceOptions(fps=10, loop=False), FakeReel(count=30))
    frames = source.frames()
    next(frames)
    clock.passed += 3600
    following = next(frames)
    assert following.index == 1
    assert source.dropped > 1000


def test_a_replay_is_unpaced_whole_and_the_same_each_time() -> None:
    runs = []
    for _ in range(2):
        source, clock = playback(REPLAY)
        runs.append([(frame.index, frame.captured_at) for frame in source.frames()])
        assert clock.passed == 0
    assert runs[0] == runs[1]
    assert [index for index, _ in runs[0]] == list(range(10))
    assert runs[0][3][1] - runs[0][0][1] == timedelta(seconds=0.3)


@pytest.mark.parametrize("paced", [True, False])
def test_close_ends_the_frames(paced: bool) -> None:
    source, _ = playback(SourceOptions(paced=paced))
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []


def test_a_crop_is_a_part_of_the_picture_in_fractions() -> None:
    source, _ = playback(SourceOptions(crop=(0.5, 0.25, 0.5, 0.5)))
    assert (source.width, source.height) == (30, 20)
    assert next(source.frames()).image.shape == (20, 30, 3)


@pytest.mark.parametrize("crop", [(0, 0, 1, 1), (0.999, 0.999, 0.001, 0.001), (1, 1, 0, 0), (0.5, 0.5, 9, 9)])
def test_no_crop_leaves_nothing(crop: tuple[float, float, float, float]) -> None:
    image: Image = np.zeros((5, 7, 3), np.uint8)
    assert cropped(image, crop).size > 0


def test_a_video_file_is_played_with_its_size_and_rate(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames=6)
    source = source_from(f"file:{tmp_path / 'clip.mp4'}", REPLAY)
    source.open()
    assert (source.kind, source.width, source.height, source.fps) == ("file", 64, 48, 10)
    shades = [int(frame.image.mean()) for frame in source.frames()]
    assert shades == pytest.approx([0, 20, 40, 60, 80, 100], abs=4)


def test_a_folder_is_played_in_the_order_of_names(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    source = source_from(f"folder:{tmp_path}", REPLAY)
    source.open()
    assert source.kind == "folder"
    assert numbers(source.frames(), 9) == [1, 2, 3]


def test_a_bare_path_is_a_file_or_a_folder(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames=1)
    assert source_from(str(tmp_path), REPLAY).kind == "folder"
    assert source_from(str(tmp_path / "clip.mp4"), REPLAY).kind == "file"


@pytest.mark.parametrize(("text", "kind"), [("rtsp://u:p@host:554/path", "rtsp"), ("usb:0", "usb"), ("file:x", "file")])
def test_the_scheme_names_the_kind(text: str, kind: str) -> None:
    assert source_from(text, SourceOptions()).kind == kind


@pytest.mark.parametrize("text", ["", "nothing", "usb:", "usb:front", "rtsp:host", "rtsp://", "http://x", "file:"])
def test_text_that_names_no_source_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(SourceUnknown, match="rtsp://HOST/PATH"):
        source_from(text, SourceOptions())


@pytest.mark.parametrize("text", ["rtsp://user:secret@host/path", "usb:0"])
def test_a_live_camera_is_no_recording(text: str) -> None:
    with pytest.raises(SourceUnknown, match="never ends") as caught:
        recording_from(text)
    assert "secret" not in str(caught.value)


def nothing(_: Path) -> None:
    pass


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def text_file(path: Path) -> None:
    path.write_text("this is no video\n" * 100)


def cut_file(path: Path) -> None:
    write_video(path, frames=6)
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (nothing, Reason.MISSING),
        (Path.mkdir, Reason.MISSING),
        (empty_file, Reason.DECODE),
        (text_file, Reason.DECODE),
        (cut_file, Reason.DECODE),
    ],
)
def test_a_file_that_cannot_be_played_is_told_by_name(
    tmp_path: Path, prepare: Callable[[Path], None], reason: Reason
) -> None:
    path = tmp_path / "clip.mp4"
    prepare(path)
    failure = failure_of(Playback("file", partial(VideoReel, path), REPLAY))
    assert failure.reason is reason
    assert str(path) in failure.detail


def test_an_empty_or_absent_folder_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        assert failure_of(Playback("folder", partial(FolderReel, path), REPLAY)).reason is Reason.MISSING


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not a picture")
    failure = failure_of(Playback("folder", partial(FolderReel, tmp_path), REPLAY))
    assert failure.reason is Reason.DECODE
    assert "a.png" in failure.detail


def test_no_usb_camera_is_missing_and_nothing_else_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert failure_of(LiveSource(UsbCamera(97), SourceOptions())).reason is Reason.MISSING
    assert capfd.readouterr().err == ""


def test_credentials_are_never_shown() -> None:
    assert without_credentials("rtsp://user:p@ss@host:8554/a?b=c") == "rtsp://host:8554/a?b=c"


class FakeCamera:
    """Gives pictures as the test lets it, then fails as the test says."""

    kind = "usb"
    patience_s = 5.0

    def __init__(self, pictures: int, failure: Exception) -> None:
        self._left, self._failure = pictures, failure
        self.closed = threading.Event()
        self.drained = threading.Event()

    def open(self) -> None:
        pass

    def read(self) -> Picture:
        if self._left == 0:
            self.drained.set()
            raise self._failure
        self._left -= 1
        return partial(np.full, (4, 6, 3), self._left, np.uint8)

    def close(self) -> None:
        self.closed.set()


def test_a_camera_that_fails_tells_its_reason_and_is_closed() -> None:
    camera = FakeCamera(3, SourceFailed(Reason.GONE, "unplugged"))
    source = LiveSource(camera, SourceOptions())
    source.open()
    with pytest.raises(SourceFailed, match="unplugged"):
        list(source.frames())
    assert camera.closed.wait(5)


def test_an_unforeseen_error_in_the_reading_thread_reaches_the_reader() -> None:
    source = LiveSource(FakeCamera(2, ZeroDivisionError("oops")), SourceOptions())
    source.open()
    with pytest.raises(SourceFailed, match="oops") as caught:
        list(source.frames())
    assert caught.value.reason is Reason.FAILED


def test_a_camera_that_gives_no_first_picture_fails_to_open_and_is_closed() -> None:
    camera = FakeCamera(0, SourceFailed(Reason.TIMEOUT, "nothing came"))
    assert failure_of(LiveSource(camera, SourceOptions())).reason is Reason.TIMEOUT
    assert camera.closed.is_set()
