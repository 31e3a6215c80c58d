"""Detect with a NanoDet model: class scores and box sides as distributions, per cell of three grids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camera_agent.vision.letterbox import Letterbox
from camera_agent.vision.model import Model, ModelRefused
from camera_agent.vision.suppression import Floats, Indices, suppress
from camera_agent.vision.types import Box, Detection, Image

MOST_CANDIDATES = 400


class NanoDet:
    """One picture at a time; not to be shared between threads, since it reuses its canvas."""

    def __init__(self, model: Model, only: Sequence[str] = (), floor: float | None = None) -> None:
        """`only` limits the labels looked for (all when empty); `floor` the score, else the manifest's."""
        manifest = model.manifest
        self._model = model
        self._floor = manifest.thresholds.floor if floor is None else floor
        self._names = manifest.labels.names
        self._letterbox = Letterbox(manifest.input.width, manifest.input.height)
        self._bins = np.arange(manifest.outputs.bins, dtype=np.float32)
        self._wanted = _columns(self._names, only)
        strides = manifest.outputs.strides
        self._outputs = [f"{kind}_{stride}" for stride in strides for kind in ("scores", "distances")]
        self._grids = [
            (stride, _centres(manifest.input.width // stride, manifest.input.height // stride, stride))
            for stride in strides
        ]
        self._verify_outputs()

    @property
    def labels(self) -> Sequence[str]:
        return self._names if self._wanted is None else [self._names[column] for column in self._wanted]

    def detect(self, image: Image) -> list[Detection]:
        window = self._letterbox.fit(image)
        answers = self._model.run(self._outputs, self._letterbox.canvas)
        boxes, scores, classes = self._candidates(answers)
        kept = suppress(boxes, scores, classes, self._model.manifest.thresholds.overlap)
        return [
            Detection(self._names[label], score, box)
            for box, score, label in zip(
                _in_frame(boxes[kept], window), scores[kept].tolist(), classes[kept].tolist(), strict=True
            )
            if box.area > 0
        ]

    def _candidates(self, answers: Sequence[Floats]) -> tuple[Floats, Floats, Indices]:
        parts = [
            self._grid_candidates(scores[0], distances[0], grid)
            for scores, distances, grid in zip(answers[::2], answers[1::2], self._grids, strict=True)
        ]
        boxes, scores, classes = (np.concatenate(column) for column in zip(*parts, strict=True))
        best = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
        return boxes[best], scores[best], classes[best]

    def _grid_candidates(
        self, scores: Floats, distances: Floats, grid: tuple[int, Floats]
    ) -> tuple[Floats, Floats, Indices]:
        stride, centres = grid
        looked_at = scores if self._wanted is None else scores[:, self._wanted]
        cells, columns = np.nonzero(looked_at >= self._floor)
        classes = columns if self._wanted is None else self._wanted[columns]
        sides = _expected(distances[cells].reshape(len(cells), 4, len(self._bins)), self._bins) * stride
        at = centres[cells]
        boxes = np.concatenate([at - sides[:, :2], at + sides[:, 2:]], axis=1)
        return boxes, looked_at[cells, columns], classes

    def _verify_outputs(self) -> None:
        """Raises ModelRefused when the model does not answer as its manifest says."""
        manifest = self._model.manifest
        found = {output.name: list(output.shape) for output in self._model.session.get_outputs()}
        wanted: dict[str, list[int]] = {}
        for stride, centres in self._grids:
            wanted[f"scores_{stride}"] = [1, len(centres), len(self._names)]
            wanted[f"distances_{stride}"] = [1, len(centres), 4 * manifest.outputs.bins]
        differing = [name for name, shape in wanted.items() if found.get(name) != shape]
        if differing:
            name = differing[0]
            raise ModelRefused(
                f"{manifest.name}: output {name} is {found.get(name)} but its manifest says {wanted[name]}; "
                "correct the manifest or use the model it was written for"
            )


def _columns(names: Sequence[str], only: Sequence[str]) -> Indices | None:
    """Where the wanted labels stand; None means all."""
    unknown = [label for label in only if label not in names]
    if unknown:
        raise LabelUnknown(f"the model knows no label {unknown[0]!r}; it knows: {', '.join(names)}")
    return np.array([names.index(label) for label in only], dtype=np.intp) if only else None


class LabelUnknown(Exception):
    """A label was asked for that the model does not have."""


def _centres(columns: int, rows: int, stride: int) -> Floats:
    """Cell centres in pixels of the input, row by row: [cells, 2]."""
    ys, xs = np.mgrid[0:rows, 0:columns]
    return ((np.stack([xs.ravel(), ys.ravel()], axis=1) + 0.5) * stride).astype(np.float32)


def _expected(logits: Floats, bins: Floats) -> Floats:
    """The mean of each distribution over the bins: [N, 4, bins] gives [N, 4]."""
    weights = np.exp(logits - logits.max(axis=2, keepdims=True, initial=-np.inf))
    expected: Floats = (weights @ bins) / weights.sum(axis=2)
    return expected


def _in_frame(boxes: Floats, window: tuple[float, float, float, float]) -> list[Box]:
    """Boxes in pixels of the letterboxed input, as fractions of the frame, cut at its edges."""
    left, top, width, height = window
    corners = (boxes - np.array([left, top, left, top], np.float32)) / np.array([width, height] * 2, np.float32)
    return [Box(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in np.clip(corners, 0, 1).tolist()]
