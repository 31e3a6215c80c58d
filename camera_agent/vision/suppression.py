"""Keep one box of those that show the same thing (non-maximum suppression)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """IoU of each box with each other one: [N, 4] and [M, 4] of left, top, right, bottom give [N, M]."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    other_areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    union = areas[:, None] + other_areas[None, :] - shared
    ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


def suppress(boxes: Floats, scores: Floats, classes: Indices, overlap: float) -> Indices:
    """Indices of the boxes that stay, best score first; boxes of different classes never compete."""
    order = np.argsort(-scores, kind="stable")
    rivals = (overlaps(boxes[order], boxes[order]) > overlap) & (classes[order][:, None] == classes[order])
    stays = np.ones(len(order), bool)
    for place in range(len(order)):
        if stays[place]:
            stays[place + 1 :] &= ~rivals[place, place + 1 :]
    kept: Indices = order[stays]
    return kept
