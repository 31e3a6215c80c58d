"""Stand-ins for the clock, the MQTT session and a source of frames."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from camera_agent.capture.source import SourceFailed
from camera_agent.vision.types import Detection, Frame, Image
from fleet.messages import Reason
from tests.unit.camera_agent.tracks import BEGIN, after


@dataclass
class ClockFake:
    """Time that passes only when somebody waits."""

    passed_s: float = 0.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed_s)

    def seconds(self) -> float:
        return self.passed_s

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        self.waits.append(seconds)
        self.passed_s += seconds


@dataclass
class LinkFake:
    """Remembers what was published while it was connected."""

    is_connected: bool = True
    sent: list[tuple[str, bytes, int, bool]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        if self.is_connected:
            self.sent.append((topic, payload, qos, retain))
        return self.is_connected


@dataclass
class SourceFake:
    """Hands out `count` grey frames, 0.2 s apart; fails on opening or after them when told to."""

    count: int = 3
    fails_to_open: SourceFailed | None = None
    fails_after: Exception | None = None
    on_frame: Callable[[int], None] = lambda _index: None
    is_open: bool = False
    kind: str = "fake"
    width: int = 64
    height: int = 48
    fps: float = 5.0
    dropped: int = 0

    def open(self) -> None:
        if self.fails_to_open is not None:
            raise self.fails_to_open
        self.is_open = True

    def frames(self) -> Iterator[Frame]:
        for index in range(self.count):
            self.on_frame(index)
            yield Frame(index, after(index * 0.2), np.zeros((48, 64, 3), np.uint8))
        if self.fails_after is not None:
            raise self.fails_after

    def close(self) -> None:
        self.is_open = False


@dataclass
class DetectorFake:
    """Sees the same things on every frame."""

    seen: Sequence[Detection] = ()
    labels: Sequence[str] = ("person",)

    def detect(self, image: Image) -> list[Detection]:
        return list(self.seen)


def broken(reason: Reason, detail: str = "look after it") -> SourceFailed:
    return SourceFailed(reason, detail)
