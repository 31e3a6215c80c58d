"""A model folder is used only when its manifest vouches for it."""

import hashlib
import shutil
from pathlib import Path

import pytest

from camera_agent.vision.detectors import DEFAULT_MODEL, detector_for
from camera_agent.vision.manifest import read_manifest
from camera_agent.vision.model import ModelRefused, load_model

LARGEST_MODEL_BYTES = 8_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))


def amend(folder: Path, old: str, new: str) -> None:
    manifest = folder / "manifest.toml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))


def refusal(folder: Path) -> str:
    with pytest.raises(ModelRefused) as caught:
        detector_for(load_model(folder))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_shipped_model_is_compact_licensed_and_knows_coco() -> None:
    manifest = read_manifest(DEFAULT_MODEL / "manifest.toml")
    assert (DEFAULT_MODEL / manifest.file).stat().st_size <= LARGEST_MODEL_BYTES
    assert (DEFAULT_MODEL / manifest.notice).is_file()
    assert (DEFAULT_MODEL / "LICENSE.txt").is_file()
    assert len(manifest.labels.names) == 80
    assert manifest.labels.names[0] == "person"


def test_a_changed_model_is_refused_naming_both_hashes(folder: Path) -> None:
    expected = read_manifest(folder / "manifest.toml").sha256
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    message = refusal(folder)
    assert expected in message
    assert "has sha256" in message
    assert "install the model again" in message


def test_a_manifest_with_another_hash_is_refused(folder: Path) -> None:
    expected = read_manifest(folder / "manifest.toml").sha256
    amend(folder, expected, "0" * 64)
    message = refusal(folder)
    assert expected in message
    assert "0" * 64 in message


def test_a_missing_model_file_says_what_to_do(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    assert "install the model again" in refusal(folder)


def test_a_missing_folder_says_what_is_missing(tmp_path: Path) -> None:
    assert "manifest.toml" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[input]", "[input", "not TOML"),
        ("width = 416", "width = 0", "input.width"),
        ("floor = 0.15", "floor = 15", "thresholds.floor"),
        ("bins = 11", "bins = 12", "distances_8"),
        ("width = 416", "width = 320", "takes"),
        ('"person", ', "", "scores_8"),
        ('decoder = "nanodet"', 'decoder = "crystal-ball"', "crystal-ball"),
        ('name = "image"', 'name = "picture"', "picture"),
    ],
)
def test_a_manifest_that_lies_is_refused_naming_what_differs(folder: Path, old: str, new: str, named: str) -> None:
    amend(folder, old, new)
    assert named in refusal(folder)


def test_a_file_that_is_no_model_is_refused(folder: Path) -> None:
    nonsense = b"not a graph"
    (folder / "model.onnx").write_bytes(nonsense)
    amend(folder, read_manifest(folder / "manifest.toml").sha256, hashlib.sha256(nonsense).hexdigest())
    assert "no model that can be run" in refusal(folder)
