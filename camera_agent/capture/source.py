"""The interface every source of frames keeps, and the one way in which it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from camera_agent.vision.types import Frame
from fleet.messages import Reason


class SourceFailed(Exception):
    """No frame can be had: `reason` is for programs, the text is one line that says what to do."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Source(Protocol):
    """Frames from one place. `open` once, iterate `frames`, `close` from any thread ends the iteration."""

    @property
    def kind(self) -> str:
        """file, folder, rtsp or usb."""
        ...

    @property
    def width(self) -> int:
        """Of the frames handed out, after the crop, in pixels; known once opened."""
        ...

    @property
    def height(self) -> int: ...

    @property
    def fps(self) -> float:
        """The rate at which frames are handed out at most."""
        ...

    @property
    def dropped(self) -> int:
        """Frames skipped since `open` because the reader was late."""
        ...

    def open(self) -> None:
        """Raises SourceFailed."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Ends when the input has ended or `close` was called; raises SourceFailed on trouble."""
        ...

    def close(self) -> None: ...
