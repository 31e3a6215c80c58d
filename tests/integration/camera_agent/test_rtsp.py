"""RTSP capture against a real RTSP server: frames arrive, and each failure is told by its reason."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from camera_agent.capture.live import LiveSource
from camera_agent.capture.options import SourceOptions
from camera_agent.capture.rtsp import RtspCamera
from camera_agent.capture.source import SourceFailed
from fleet.messages import Reason
from tests.support.ports import free_port

SYSTEM_PYTHON = Path("/usr/bin/python3")
SCRIPT = Path(__file__).with_name("rtsp_server.py")


def has_rtsp_server() -> bool:
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    return SYSTEM_PYTHON.exists() and subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_rtsp_server(), reason="no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0"
)


@contextmanager
def serving(*credentials: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    command = [str(SYSTEM_PYTHON), str(SCRIPT), str(port), *credentials]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == "listening\n"
            yield port, server
        finally:
            server.send_signal(signal.SIGCONT)
            server.kill()


def source_at(url: str, fps: float = 5.0, read_timeout_s: float = 2.0) -> LiveSource:
    camera = RtspCamera(url, open_timeout_s=5.0, read_timeout_s=read_timeout_s)
    return LiveSource(camera, SourceOptions(fps=fps))


def failure_of(source: LiveSource) -> SourceFailed:
    with pytest.raises(SourceFailed) as caught:
        source.open()
    return caught.value


def test_frames_come_newest_first_at_the_rate_asked_for() -> None:
    with serving() as (port, _):
        source = source_at(f"rtsp://127.0.0.1:{port}/ball")
        source.open()
        frames = source.frames()
        taken = [next(frames) for _ in range(6)]
        source.close()
    assert (source.width, source.height) == (320, 240)
    assert taken[0].image.shape == (240, 320, 3)
    assert all(later.index - earlier.index >= 2 for earlier, later in pairwise(taken[1:]))
    assert taken[0].captured_at < taken[-1].captured_at <= datetime.now(UTC)
    assert list(frames) == []


def test_a_server_that_dies_is_gone() -> None:
    with serving() as (port, server):
        source = source_at(f"rtsp://127.0.0.1:{port}/ball")
        source.open()
        frames = source.frames()
        next(frames)
        server.kill()
        with pytest.raises(SourceFailed) as caught:
            list(frames)
        source.close()
    assert caught.value.reason is Reason.GONE


def test_a_server_that_hangs_is_a_timeout() -> None:
    with serving() as (port, server):
        source = source_at(f"rtsp://127.0.0.1:{port}/ball")
        source.open()
        frames = source.frames()
        next(frames)
        server.send_signal(signal.SIGSTOP)
        with pytest.raises(SourceFailed) as caught:
            list(frames)
        source.close()
    assert caught.value.reason is Reason.TIMEOUT


def test_it_opens_again_after_the_server_came_back() -> None:
    with serving() as (port, server):
        source = source_at(f"rtsp://127.0.0.1:{port}/ball")
        source.open()
        server.kill()
        with pytest.raises(SourceFailed):
            list(source.frames())
        source.close()
        restarted = subprocess.Popen([str(SYSTEM_PYTHON), str(SCRIPT), str(port)], stdout=subprocess.PIPE, text=True)
        with restarted:
            assert restarted.stdout is not None
            assert restarted.stdout.readline() == "listening\n"
            source.open()
            assert next(source.frames()).image.shape == (240, 320, 3)
            source.close()
            restarted.kill()


def test_a_wrong_password_is_auth_and_is_never_repeated_in_the_text() -> None:
    with serving("viewer", "correct") as (port, _):
        failure = failure_of(source_at(f"rtsp://viewer:wrong@127.0.0.1:{port}/ball"))
    assert failure.reason is Reason.AUTH
    assert "wrong" not in failure.detail


def test_the_right_password_opens() -> None:
    with serving("viewer", "correct") as (port, _):
        source = source_at(f"rtsp://viewer:correct@127.0.0.1:{port}/ball")
        source.open()
        assert next(source.frames()).image.shape == (240, 320, 3)
        source.close()


def test_a_path_that_is_not_served_is_missing() -> None:
    with serving() as (port, _):
        assert failure_of(source_at(f"rtsp://127.0.0.1:{port}/nothing")).reason is Reason.MISSING


def test_nobody_listening_is_refused() -> None:
    assert failure_of(source_at(f"rtsp://127.0.0.1:{free_port()}/ball")).reason is Reason.REFUSED


def test_a_name_without_an_address_is_dns() -> None:
    failure = failure_of(source_at("rtsp://no-such-camera.invalid/ball"))
    assert failure.reason is Reason.DNS
    assert "no-such-camera.invalid" in failure.detail


def test_somebody_who_answers_nothing_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        camera = RtspCamera(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/ball", open_timeout_s=1.0)
        failure = failure_of(LiveSource(camera, SourceOptions()))
    assert failure.reason is Reason.TIMEOUT
