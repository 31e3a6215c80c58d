"""Fit pictures of any size into a model's input without changing their shape."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from camera_agent.vision.types import Image


@dataclass
class Letterbox:
    """Holds one canvas that is used again for each picture; what lies beside the picture is black."""

    width: int
    height: int
    canvas: NDArray[np.uint8] = field(init=False)
    _fitted: tuple[int, int] = field(init=False, default=(0, 0))

    def __post_init__(self) -> None:
        self.canvas = np.zeros((1, self.height, self.width, 3), np.uint8)

    def fit(self, image: Image) -> tuple[float, float, float, float]:
        """Draw the picture into the canvas; returns its left, top, width, height there in pixels."""
        height, width = image.shape[:2]
        scale = min(self.width / width, self.height / height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        left, top = (self.width - inner[0]) // 2, (self.height - inner[1]) // 2
        if inner != self._fitted:
            self.canvas[:] = 0
            self._fitted = inner
        window = self.canvas[0, top : top + inner[1], left : left + inner[0]]
        cv2.resize(image, inner, dst=window, interpolation=cv2.INTER_LINEAR)
        return (left, top, *inner)
