"""Open a model folder: refuse what its manifest does not vouch for, and hold the inference session."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from camera_agent.vision.manifest import Manifest, ManifestUnreadable, read_manifest

ERRORS_ONLY = 3
Tensor = NDArray[np.float32]


class ModelRefused(Exception):
    """The model must not be used; one line says why and what to do."""


@dataclass(frozen=True)
class Model:
    """A verified model, ready to run."""

    manifest: Manifest
    session: Any

    def run(self, outputs: Sequence[str], image: NDArray[np.uint8]) -> list[Tensor]:
        answers: list[Tensor] = self.session.run(outputs, {self.manifest.input.name: image})
        return answers


def load_model(folder: Path, threads: int = 1) -> Model:
    """Raises ModelRefused."""
    try:
        manifest = read_manifest(folder / "manifest.toml")
    except ManifestUnreadable as error:
        raise ModelRefused(str(error)) from error
    path = folder / manifest.file
    _verify_hash(path, manifest.sha256)
    return Model(manifest, _open_session(path, manifest, threads))


def _verify_hash(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelRefused(f"{path}: {error.strerror}; install the model again") from error
    if found != expected:
        raise ModelRefused(
            f"{path} has sha256 {found} but its manifest says {expected}: "
            "install the model again, or correct the manifest if you changed the model on purpose"
        )


def _open_session(path: Path, manifest: Manifest, threads: int) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions share no base class of their own
        raise ModelRefused(f"{path} is no model that can be run ({_first_line(error)}); use another") from error
    found = {tensor.name: list(tensor.shape) for tensor in session.get_inputs()}
    wanted = {manifest.input.name: [1, manifest.input.height, manifest.input.width, 3]}
    if found != wanted:
        raise ModelRefused(f"{path} takes {found} but its manifest says {wanted}; correct the manifest")
    return session


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
