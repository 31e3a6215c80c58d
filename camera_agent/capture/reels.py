"""What can be played from its beginning again and again: a video file, a folder of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
from av.error import FFmpegError

from camera_agent.capture.source import SourceFailed
from camera_agent.vision.types import Image
from fleet.messages import Reason

Picture = Callable[[], Image]
"""A picture not converted yet, so that skipping it costs little."""
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
FALLBACK_RATE = 25.0
FOLDER_RATE = 5.0


class Reel(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def rate(self) -> float:
        """Frames per second as recorded."""
        ...

    def pictures(self) -> Iterator[Picture]:
        """From the beginning to the end; raises SourceFailed."""
        ...


class VideoReel:
    kind = "file"

    def __init__(self, path: Path) -> None:
        """Raises SourceFailed when there is no video to be played."""
        self._path = path
        if not path.is_file():
            raise SourceFailed(Reason.MISSING, f"no such video file: {path}; correct the stream's source")
        try:
            with av.open(str(path)) as container:
                self.rate = float(container.streams.video[0].average_rate or FALLBACK_RATE)
        except (FFmpegError, IndexError) as error:
            raise self._unreadable(error) from error

    def pictures(self) -> Iterator[Picture]:
        try:
            with av.open(str(self._path)) as container:
                container.streams.video[0].codec_context.thread_count = 1
                for frame in container.decode(video=0):
                    yield partial(bgr, frame)
        except FFmpegError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> SourceFailed:
        cause = getattr(error, "strerror", None) or "it holds no video"
        return SourceFailed(Reason.DECODE, f"{self._path} cannot be read as video ({cause}); use another file")


class FolderReel:
    kind = "folder"

    def __init__(self, path: Path, rate: float = FOLDER_RATE) -> None:
        """Raises SourceFailed when the folder is missing or holds no image."""
        self.rate = rate
        if not path.is_dir():
            raise SourceFailed(Reason.MISSING, f"no such folder: {path}; correct the stream's source")
        self._paths = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        if not self._paths:
            kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
            raise SourceFailed(Reason.MISSING, f"no image in {path}; put some there ({kinds})")

    def pictures(self) -> Iterator[Picture]:
        return (partial(_read_image, path) for path in self._paths)


def bgr(frame: av.VideoFrame) -> Image:
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _read_image(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceFailed(Reason.DECODE, f"{path} cannot be read as an image; remove or replace it")
    return np.asarray(image, np.uint8)
