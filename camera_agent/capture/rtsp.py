"""A network camera over RTSP (TCP), with a reason for each way in which it fails."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import av
from av.error import FFmpegError, HTTPForbiddenError, HTTPNotFoundError, HTTPUnauthorizedError, InvalidDataError

from camera_agent.capture.reels import Picture, bgr
from camera_agent.capture.source import SourceFailed
from fleet.messages import Reason

DEFAULT_PORT = 554


class RtspCamera:
    kind = "rtsp"

    def __init__(self, url: str, open_timeout_s: float = 10.0, read_timeout_s: float = 5.0) -> None:
        self._url = url
        self._shown = without_credentials(url)
        self._open_timeout_s = open_timeout_s
        self.patience_s = read_timeout_s
        self._container: Any = None
        self._decoded: Iterator[Any] = iter(())

    def open(self) -> None:
        self._resolve()
        began = time.monotonic()
        try:
            self._container = av.open(
                self._url,
                options={"rtsp_transport": "tcp", "fflags": "nobuffer"},
                timeout=(self._open_timeout_s, self.patience_s),
            )
            self._container.streams.video[0].codec_context.thread_count = 1
        except (FFmpegError, IndexError) as error:
            self.close()
            raise self._failure(_told_by_time(error, began, self._open_timeout_s)) from error
        self._decoded = self._container.decode(video=0)

    def read(self) -> Picture:
        began = time.monotonic()
        try:
            return partial(bgr, next(self._decoded))
        except StopIteration as error:
            raise SourceFailed(Reason.GONE, f"{self._shown} ended; look after the camera") from error
        except FFmpegError as error:
            raise self._failure(_told_by_time(error, began, self.patience_s)) from error

    def close(self) -> None:
        self._decoded = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _resolve(self) -> None:
        parts = urlsplit(self._url)
        try:
            socket.getaddrinfo(parts.hostname, parts.port or DEFAULT_PORT, type=socket.SOCK_STREAM)
        except OSError as error:
            raise SourceFailed(
                Reason.DNS, f"{self._shown}: the name {parts.hostname} has no address; correct it or the DNS"
            ) from error

    def _failure(self, error: Exception) -> SourceFailed:
        for kinds, reason, advice in FAILURES:
            if isinstance(error, kinds):
                return SourceFailed(reason, f"{self._shown}: {advice}")
        return SourceFailed(
            Reason.GONE, f"{self._shown}: {getattr(error, 'strerror', error)}; look after the camera"
        )


FAILURES: tuple[tuple[tuple[type[Exception], ...], Reason, str], ...] = (
    (
        (HTTPUnauthorizedError, HTTPForbiddenError, PermissionError),
        Reason.AUTH,
        "the camera refuses the user or password; correct them in the stream's source",
    ),
    ((HTTPNotFoundError,), Reason.MISSING, "the camera knows no such path; correct it in the stream's source"),
    ((ConnectionRefusedError,), Reason.REFUSED, "nobody listens there; check the port and that the camera is on"),
    (
        (av.error.ExitError, TimeoutError),
        Reason.TIMEOUT,
        "no answer in time; check that the camera is on and can be reached",
    ),
    ((InvalidDataError, IndexError), Reason.DECODE, "what it sends cannot be decoded; set it to H.264 or H.265"),
)


def _told_by_time(error: Exception, began: float, timeout_s: float) -> Exception:
    """Return the timeout that came first: a handshake or a frame that it cuts short is reported as bad data."""
    return TimeoutError() if time.monotonic() - began >= timeout_s else error


def without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
