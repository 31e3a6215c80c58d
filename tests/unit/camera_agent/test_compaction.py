"""The compact form of a model answers what its origin answers, and refuses weights that fp16 would change."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from camera_agent.vision.compaction import (
    SIDE,
    WeightsWouldChange,
    answers,
    compact,
    halve_weights,
    largest_difference,
)

CELLS = {8: 52, 16: 26, 32: 13}


def halves(shape: tuple[int, ...]) -> np.ndarray:
    """Random weights that fp16 holds exactly."""
    return np.random.default_rng(5).normal(size=shape).astype(np.float16).astype(np.float32)


def tiny_graph(weights: np.ndarray) -> onnx.GraphProto:
    """One pooled convolution per stride, with the detours (transpose there and back) of a converted graph."""
    nodes, outputs = [], []
    for stride, cells in CELLS.items():
        pooled = f"pool_{stride}"
        nodes += [
            helper.make_node("AveragePool", ["input_1"], [pooled], kernel_shape=[stride] * 2, strides=[stride] * 2),
            helper.make_node("Transpose", [pooled], [f"there_{stride}"], perm=[0, 2, 3, 1]),
            helper.make_node("Transpose", [f"there_{stride}"], [f"back_{stride}"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", [f"back_{stride}", "weights"], [f"conv_{stride}"], kernel_shape=[1, 1]),
            helper.make_node("Split", [f"conv_{stride}", "sizes"], [f"a_{stride}", f"b_{stride}"], axis=1),
        ]
        for part, channels in (("a", 80), ("b", 44)):
            flat, name = f"flat_{part}_{stride}", f"{part}_out_{stride}"
            nodes.append(helper.make_node("Reshape", [f"{part}_{stride}", f"shape_{part}"], [flat]))
            nodes.append(helper.make_node("Transpose", [flat], [name], perm=[0, 2, 1]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, cells * cells, channels]))
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([80, 44], np.int64), "sizes"),
        numpy_helper.from_array(np.array([1, 80, -1], np.int64), "shape_a"),
        numpy_helper.from_array(np.array([1, 44, -1], np.int64), "shape_b"),
    ]
    picture = helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    return helper.make_graph(nodes, "tiny", [picture], outputs, constants)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    model = helper.make_model(tiny_graph(halves((124, 3, 1, 1))), opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    path = tmp_path / "origin.onnx"
    onnx.save(model, path)
    return path


def test_the_compact_model_answers_the_same_with_fewer_detours(origin: Path) -> None:
    model, difference = compact(origin)
    assert difference < 1e-4
    assert {output.name for output in model.graph.output} == {
        f"{kind}_{stride}" for kind in ("scores", "distances") for stride in CELLS
    }
    back_and_forth = [node for node in model.graph.node if node.output[0].startswith(("there", "back"))]
    assert back_and_forth == []


def test_weights_are_stored_as_fp16(origin: Path) -> None:
    model, _ = compact(origin)
    stored = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert TensorProto.FLOAT16 in stored.values()


def test_the_same_origin_gives_the_same_bytes(origin: Path) -> None:
    first, second = (compact(origin)[0].SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_weights_that_fp16_would_change_are_refused() -> None:
    graph = tiny_graph(np.full((124, 3, 1, 1), 1 / 3, np.float32))
    with pytest.raises(WeightsWouldChange, match="weights"):
        halve_weights(graph)


def test_a_difference_is_found_by_the_outputs_shapes(origin: Path) -> None:
    model, _ = compact(origin)
    black = answers(model.SerializeToString(), np.zeros((1, SIDE, SIDE, 3), np.uint8))
    named = {f"any name {name}": values + 0.5 for name, values in black.items()}
    assert largest_difference(named, black) == pytest.approx(0.5)
