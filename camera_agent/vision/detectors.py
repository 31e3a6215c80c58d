"""Choose the detector that a model's manifest asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from camera_agent.vision.model import Model, ModelRefused, load_model
from camera_agent.vision.nanodet import NanoDet
from camera_agent.vision.types import Detector

DECODERS = {"nanodet": NanoDet}
DEFAULT_MODEL = Path(__file__).resolve().parent.parent / "models" / "nanodet_g_416"


def detector_for(model: Model, only: Sequence[str] = ()) -> Detector:
    """A detector of its own on a model that may be shared; raises ModelRefused and LabelUnknown."""
    decoder = DECODERS.get(model.manifest.decoder)
    if decoder is None:
        raise ModelRefused(
            f"{model.manifest.name}: no decoder {model.manifest.decoder!r}; known: {', '.join(DECODERS)}"
        )
    return decoder(model, only)


def load_default_model(threads: int = 1) -> Model:
    """The model that ships with the agent; raises ModelRefused."""
    return load_model(DEFAULT_MODEL, threads)
