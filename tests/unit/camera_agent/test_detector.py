"""The NanoDet detector on pictures of many shapes, and the pieces it is made of."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_agent.capture.options import REPLAY
from camera_agent.capture.spec import source_from
from camera_agent.vision.detectors import DEFAULT_MODEL, detector_for, load_default_model
from camera_agent.vision.letterbox import Letterbox
from camera_agent.vision.model import Model
from camera_agent.vision.nanodet import LabelUnknown
from camera_agent.vision.suppression import overlaps, suppress
from camera_agent.vision.types import Box, Detection, Image

CLIP = DEFAULT_MODEL.parent.parent / "footage" / "vtest.mp4"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_default_model()


@pytest.fixture(scope="module")
def picture() -> Iterator[Image]:
    source = source_from(str(CLIP), REPLAY)
    source.open()
    yield next(source.frames()).image
    source.close()


def confident(detections: list[Detection]) -> list[Detection]:
    return [detection for detection in detections if detection.score >= 0.5]


def test_it_sees_the_three_people_of_the_first_frame(model: Model, picture: Image) -> None:
    people = confident(detector_for(model, ["person"]).detect(picture))
    feet = sorted((round(d.box.foot[0] * 768), round(d.box.foot[1] * 576)) for d in people)
    assert len(feet) == 3
    for found, marked in zip(feet, [(269, 307), (515, 230), (662, 319)], strict=True):
        assert abs(found[0] - marked[0]) < 15
        assert abs(found[1] - marked[1]) < 15


def test_only_the_labels_asked_for_are_looked_for(model: Model, picture: Image) -> None:
    everything = detector_for(model).detect(picture)
    cars = detector_for(model, ["car"])
    assert cars.labels == ["car"]
    assert cars.detect(picture) == [d for d in everything if d.label == "car"]


def test_an_unknown_label_is_refused_by_name(model: Model) -> None:
    with pytest.raises(LabelUnknown, match="unicorn"):
        detector_for(model, ["unicorn"])


def test_the_picture_beside_the_letterbox_does_not_move_boxes(model: Model, picture: Image) -> None:
    wide = np.concatenate([picture, np.zeros_like(picture)], axis=1)
    alone = confident(detector_for(model, ["person"]).detect(picture))
    beside = confident(detector_for(model, ["person"]).detect(np.ascontiguousarray(wide)))
    assert beside
    for one in beside:
        doubled = Box(one.box.x * 2, one.box.y, one.box.w * 2, one.box.h)
        assert min(abs(doubled.x - other.box.x) + abs(doubled.y - other.box.y) for other in alone) < 0.05


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (500, 1, 3), (577, 769, 3), (2000, 100, 3)])
def test_odd_sizes_give_boxes_within_the_frame(model: Model, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    for detection in detector_for(model).detect(image):
        assert 0 <= detection.box.x <= detection.box.x + detection.box.w <= 1.0001
        assert 0 <= detection.box.y <= detection.box.y + detection.box.h <= 1.0001


def test_a_crop_that_is_only_a_view_is_seen_the_same(model: Model, picture: Image) -> None:
    view = picture[100:500, 200:768]
    assert detector_for(model).detect(view) == detector_for(model).detect(np.ascontiguousarray(view))


def test_the_letterbox_leaves_nothing_of_the_last_picture() -> None:
    letterbox = Letterbox(416, 416)
    letterbox.fit(np.full((300, 300, 3), 255, np.uint8))
    left, top, width, height = letterbox.fit(np.full((100, 400, 3), 7, np.uint8))
    assert (left, top, width, height) == (0, 156, 416, 104)
    assert set(np.unique(letterbox.canvas)) == {0, 7}
    assert letterbox.canvas[0, 156:260].min() == 7


def corners(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_of_two_boxes_on_one_thing_the_better_stays() -> None:
    boxes = corners([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    scores, classes = np.array([0.6, 0.9, 0.5], np.float32), np.zeros(3, np.intp)
    assert suppress(boxes, scores, classes, 0.5).tolist() == [1, 2]


def test_boxes_of_different_labels_never_compete() -> None:
    boxes = corners([[0, 0, 10, 10], [0, 0, 10, 10]])
    assert len(suppress(boxes, np.array([0.6, 0.9], np.float32), np.array([0, 1], np.intp), 0.5)) == 2


def test_nothing_in_nothing_out() -> None:
    assert suppress(corners([]), np.zeros(0, np.float32), np.zeros(0, np.intp), 0.5).tolist() == []


boxes_of = st.lists(
    st.tuples(*[st.floats(0, 100, width=32)] * 2, *[st.floats(1, 50, width=32)] * 2).map(
        lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
    ),
    min_size=1,
    max_size=20,
)


@given(boxes_of)
def test_what_stays_overlaps_little_and_what_goes_overlaps_something_better(rows: list[list[float]]) -> None:
    boxes, scores = corners(rows), np.linspace(1, 0.5, len(rows), dtype=np.float32)
    kept = suppress(boxes, scores, np.zeros(len(rows), np.intp), 0.5).tolist()
    matrix = overlaps(boxes, boxes)
    assert all(matrix[a, b] <= 0.5 for a in kept for b in kept if a != b)
    for gone in set(range(len(rows))) - set(kept):
        assert any(matrix[gone, better] > 0.5 for better in kept if better < gone)
