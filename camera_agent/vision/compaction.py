"""Make the committed form of a NanoDet model: `python -m camera_agent.vision.compaction ORIGIN.onnx OUTPUT.onnx`.

The graph is tidied (superfluous transposes and identities removed, additions folded into
convolutions), takes the picture as bytes, and keeps its weights as the fp16 they had at the origin.
The result is compared with the origin before it is written. Needs the `dev` extra.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 416
MEAN = (103.53, 116.28, 123.675)
DEVIATION = (57.375, 57.12, 58.395)
STRIDES = (8, 16, 32)
CLASSES = 80
SMALLEST_HALVED = 64
Tensor = NDArray[np.float32]


class WeightsWouldChange(Exception):
    """A weight is not an fp16 number, so halving it would change the model."""


class OutputsDiffer(Exception):
    """The compact model does not answer what its origin answers."""


def tidy(origin: Path) -> onnx.ModelProto:
    """Let the runtime's own basic pass, which emits plain ONNX only, clean the graph."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "tidy.onnx"
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(written)
        ort.InferenceSession(str(origin), options, providers=["CPUExecutionProvider"])
        model = onnx.load(written)
    plain = [opset for opset in model.opset_import if not opset.domain]
    del model.opset_import[:]
    model.opset_import.extend(plain)
    return model


def take_bytes(graph: onnx.GraphProto) -> None:
    """Replace the normalised input by `image`: uint8 [1, height, width, 3], BGR."""
    wanted = graph.input[0].name
    scale = (1 / np.array(DEVIATION)).astype(np.float32).reshape(1, 3, 1, 1)
    offset = (-np.array(MEAN) / np.array(DEVIATION)).astype(np.float32).reshape(1, 3, 1, 1)
    before = [
        helper.make_node("Transpose", ["image"], ["image_planes"], "image_planes", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["image_planes"], ["image_float"], "image_float", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["image_float", "image_scale"], ["image_scaled"], "image_scaled"),
        helper.make_node("Add", ["image_scaled", "image_offset"], [wanted], "image_normalised"),
    ]
    graph.initializer.append(numpy_helper.from_array(scale, "image_scale"))
    graph.initializer.append(numpy_helper.from_array(offset, "image_offset"))
    graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE, SIDE, 3]))
    nodes = before + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def name_outputs(graph: onnx.GraphProto, shapes: dict[str, tuple[int, ...]]) -> None:
    """Call the outputs scores_8, distances_8 and so on, by their shapes, in the order of strides."""
    renamed = {name: output_name(shape) for name, shape in shapes.items()}
    for node in graph.node:
        node.output[:] = [renamed.get(name, name) for name in node.output]
    del graph.output[:]
    for name, shape in sorted(shapes.items(), key=lambda item: (-item[1][1], -item[1][2])):
        graph.output.append(helper.make_tensor_value_info(renamed[name], TensorProto.FLOAT, shape))


def output_name(shape: tuple[int, ...]) -> str:
    stride = next(stride for stride in STRIDES if (SIDE // stride) ** 2 == shape[1])
    return f"{'scores' if shape[2] == CLASSES else 'distances'}_{stride}"


def halve_weights(graph: onnx.GraphProto) -> None:
    """Store large float tensors as fp16 behind a Cast, which the runtime folds away when it loads."""
    casts, kept = [], []
    for tensor in graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.size < SMALLEST_HALVED:
            kept.append(tensor)
            continue
        half = weights.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), weights):
            raise WeightsWouldChange(f"{tensor.name} holds numbers that fp16 cannot; keep this model in fp32")
        kept.append(numpy_helper.from_array(half, f"{tensor.name}_half"))
        casts.append(helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)


def answers(model: str | bytes, tensor: NDArray[np.generic]) -> dict[str, Tensor]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    results = session.run(names, {session.get_inputs()[0].name: tensor})
    return dict(zip(names, results, strict=True))


def largest_difference(origin: dict[str, Tensor], compact: dict[str, Tensor]) -> float:
    return max(
        float(np.abs(values - compact[output_name(values.shape)]).max()) for values in origin.values()
    )


def compact(origin: Path) -> tuple[onnx.ModelProto, float]:
    """The compact model, and the largest difference of any output on a picture of noise."""
    noise = np.random.default_rng(1).integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)
    planes = noise.astype(np.float32).transpose(0, 3, 1, 2)
    normalised = (planes - np.reshape(MEAN, (1, 3, 1, 1))) / np.reshape(DEVIATION, (1, 3, 1, 1))
    expected = answers(str(origin), normalised.astype(np.float32))
    model = tidy(origin)
    name_outputs(model.graph, {name: values.shape for name, values in expected.items()})
    take_bytes(model.graph)
    halve_weights(model.graph)
    del model.graph.value_info[:]
    model.producer_name, model.producer_version = "camfleet", ""
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model, largest_difference(expected, answers(model.SerializeToString(), noise))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("origin", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    arguments = parser.parse_args()
    model, difference = compact(arguments.origin)
    if difference > arguments.tolerance:
        raise OutputsDiffer(f"outputs differ by {difference:.2e}, more than {arguments.tolerance:.0e}")
    arguments.output.write_bytes(model.SerializeToString(deterministic=True))
    digest = hashlib.sha256(arguments.output.read_bytes()).hexdigest()
    size = arguments.output.stat().st_size
    sys.stdout.write(f"{arguments.output}: {size} bytes, largest difference {difference:.2e}\nsha256 {digest}\n")


if __name__ == "__main__":
    main()
