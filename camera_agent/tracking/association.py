"""Decide which detection continues which track."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from camera_agent.vision.types import Box

Pair = tuple[int, int]


def grown(box: Box, margin: float) -> Box:
    """The box with `margin` of its width and height added on each side."""
    return Box(box.x - margin * box.w, box.y - margin * box.h, box.w * (1 + 2 * margin), box.h * (1 + 2 * margin))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.area + other.area - shared)


def pair_best_first(likeness: Sequence[Sequence[float]], least: float) -> Iterator[Pair]:
    """Rows with columns, most alike first, each used once, none less alike than `least`."""
    candidates = sorted(
        (-value, row, column)
        for row, values in enumerate(likeness)
        for column, value in enumerate(values)
        if value >= least
    )
    rows: set[int] = set()
    columns: set[int] = set()
    for _, row, column in candidates:
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            yield row, column
