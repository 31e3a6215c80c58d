"""A camera on this machine's own bus, by index."""

from __future__ import annotations

import cv2
import numpy as np

from camera_agent.capture.reels import Picture
from camera_agent.capture.source import SourceFailed
from fleet.messages import Reason


class UsbCamera:
    kind = "usb"
    patience_s = 10.0

    def __init__(self, index: int) -> None:
        self._index = index
        self._device: cv2.VideoCapture | None = None

    def open(self) -> None:
        # What is wrong is said below in one line; the library's own warnings would stand beside it.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        device = cv2.VideoCapture(self._index)
        if not device.isOpened():
            raise SourceFailed(
                Reason.MISSING, f"no USB camera {self._index}; plug it in, or list them with: ls /dev/video*"
            )
        self._device = device

    def read(self) -> Picture:
        if self._device is None:
            raise RuntimeError("open the camera first")
        found, image = self._device.read()
        if not found:
            raise SourceFailed(Reason.GONE, f"USB camera {self._index} stopped answering; plug it in again")
        return lambda: np.asarray(image, np.uint8)

    def close(self) -> None:
        if self._device is not None:
            self._device.release()
            self._device = None
