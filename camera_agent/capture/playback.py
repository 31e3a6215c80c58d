"""Play a recording as if it were a camera: at its own pace, sampled to a rate, dropping rather than lagging."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from camera_agent.capture.clock import Clock, WallClock
from camera_agent.capture.options import SourceOptions, cropped
from camera_agent.capture.reels import Picture, Reel
from camera_agent.capture.source import SourceFailed
from camera_agent.vision.types import Frame
from fleet.messages import Reason

REPLAY_BEGINS = datetime(2000, 1, 1, tzinfo=UTC)
HOPELESSLY_LATE_S = 1.0


class Playback:
    """A source over a reel, which is opened (and its absence noticed) by `open`."""

    def __init__(
        self, kind: str, open_reel: Callable[[], Reel], options: SourceOptions, clock: Clock | None = None
    ) -> None:
        self.kind = kind
        self.width = self.height = self.dropped = 0
        self._open_reel = open_reel
        self._options = options
        self._clock: Clock = clock or WallClock()
        self._reel: Reel | None = None
        self._closed = threading.Event()

    @property
    def fps(self) -> float:
        rate = self._opened().rate
        return min(self._options.fps or rate, rate)

    def open(self) -> None:
        reel = self._open_reel()
        first = next(iter(reel.pictures()), None)
        if first is None:
            raise SourceFailed(Reason.DECODE, "the video holds no picture; use another file")
        self.height, self.width = cropped(first(), self._options.crop).shape[:2]
        self._reel = reel
        self._closed.clear()
        self.dropped = 0

    def close(self) -> None:
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        return self._paced() if self._options.paced else self._unpaced()

    def _unpaced(self) -> Iterator[Frame]:
        rate = self._opened().rate
        for index, picture in self._wanted():
            at = REPLAY_BEGINS + timedelta(seconds=index / rate)
            yield Frame(index, at, cropped(picture(), self._options.crop))

    def _paced(self) -> Iterator[Frame]:
        rate, began = self._opened().rate, self._clock.seconds()
        for index, picture in self._wanted():
            late_s = self._clock.seconds() - began - index / rate
            if late_s > HOPELESSLY_LATE_S:
                began += late_s
                self.dropped += int(late_s * self.fps)
            elif late_s > 1 / self.fps:
                self.dropped += 1
                continue
            image = cropped(picture(), self._options.crop)
            self._clock.wait(began + index / rate - self._clock.seconds(), self._closed)
            if self._closed.is_set():
                return
            yield Frame(index, self._clock.now(), image)

    def _wanted(self) -> Iterator[tuple[int, Picture]]:
        """The recorded pictures with their index over all rounds, thinned to the rate asked for."""
        share = self.fps / self._opened().rate
        for index, picture in enumerate(self._rounds()):
            if self._closed.is_set():
                return
            if int(index * share + 1e-9) != int((index - 1) * share + 1e-9) or index == 0:
                yield index, picture

    def _rounds(self) -> Iterator[Picture]:
        reel = self._opened()
        yield from reel.pictures()
        while self._options.loop:
            yield from reel.pictures()

    def _opened(self) -> Reel:
        if self._reel is None:
            raise RuntimeError("open the source first")
        return self._reel
