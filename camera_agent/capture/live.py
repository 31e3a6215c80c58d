"""Frames from a camera that does not wait: a thread reads, the newest picture wins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from camera_agent.capture.clock import Clock, WallClock
from camera_agent.capture.options import SourceOptions, cropped
from camera_agent.capture.reels import Picture
from camera_agent.capture.source import SourceFailed
from camera_agent.vision.types import Frame
from fleet.messages import Reason

DEFAULT_FPS = 5.0


class Camera(Protocol):
    """Something read in one thread: `read` blocks until the next picture or raises SourceFailed."""

    @property
    def kind(self) -> str: ...

    @property
    def patience_s(self) -> float:
        """`read` fails by itself after so long; nothing for much longer means that it hangs."""
        ...

    def open(self) -> None: ...

    def read(self) -> Picture: ...

    def close(self) -> None: ...


class LiveSource:
    def __init__(self, camera: Camera, options: SourceOptions, clock: Clock | None = None) -> None:
        self.kind = camera.kind
        self.width = self.height = self.dropped = 0
        self.fps = options.fps or DEFAULT_FPS
        self._camera = camera
        self._crop = options.crop
        self._clock: Clock = clock or WallClock()
        self._closed = threading.Event()
        self._arrived = threading.Condition()
        self._newest: tuple[int, datetime, Picture] | None = None
        self._failure: SourceFailed | None = None
        self._reader: threading.Thread | None = None

    def open(self) -> None:
        self._closed.clear()
        self._newest = self._failure = None
        self.dropped = 0
        self._camera.open()
        try:
            self.height, self.width = cropped(self._camera.read()(), self._crop).shape[:2]
        except SourceFailed:
            self._camera.close()
            raise
        self._reader = threading.Thread(target=self._keep_reading, name=f"capture-{self.kind}", daemon=True)
        self._reader.start()

    def close(self) -> None:
        self._closed.set()
        with self._arrived:
            self._arrived.notify_all()
        if self._reader is not None:
            self._reader.join(timeout=self._camera.patience_s + 1)

    def frames(self) -> Iterator[Frame]:
        due = self._clock.seconds()
        while (newest := self._take()) is not None:
            index, captured_at, picture = newest
            yield Frame(index, captured_at, cropped(picture(), self._crop))
            due += 1 / self.fps
            late_s = self._clock.seconds() - due
            if late_s > 0:
                self.dropped += int(late_s * self.fps)
                due += late_s
            self._clock.wait(-late_s, self._closed)

    def _take(self) -> tuple[int, datetime, Picture] | None:
        """The newest picture not taken yet; None once closed."""
        with self._arrived:
            self._arrived.wait_for(self._has_news, timeout=2 * self._camera.patience_s)
            if self._closed.is_set():
                return None
            if self._failure is not None:
                raise self._failure
            if self._newest is None:
                raise SourceFailed(Reason.TIMEOUT, f"the {self.kind} camera sends no more pictures; look after it")
            newest, self._newest = self._newest, None
            return newest

    def _has_news(self) -> bool:
        return self._closed.is_set() or self._failure is not None or self._newest is not None

    def _keep_reading(self) -> None:
        index = 0
        try:
            while not self._closed.is_set():
                picture = self._camera.read()
                with self._arrived:
                    self._newest = (index, self._clock.now(), picture)
                    self._arrived.notify_all()
                index += 1
        except SourceFailed as failure:
            self._fail(failure)
        except Exception as error:  # noqa: BLE001 (top of a thread: its reader must hear of any end)
            self._fail(SourceFailed(Reason.FAILED, f"reading the {self.kind} camera failed: {error!r}"))
        finally:
            self._camera.close()

    def _fail(self, failure: SourceFailed) -> None:
        with self._arrived:
            self._failure = failure
            self._arrived.notify_all()
