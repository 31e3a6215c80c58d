"""What Camfleet carries and installs is named in THIRD_PARTY.md, and what is carried has its licence beside it."""

import hashlib
import json
import re
import tomllib
from typing import Any

import pytest

from tests.support.markdown import ROOT

TEXT = (ROOT / "THIRD_PARTY.md").read_text()
VENDOR = ROOT / "dashboard" / "static" / "vendor"
MODELS = ROOT / "camera_agent" / "models"


def manifest() -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text())["packages"]
    return packages


def pinned() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))


def test_every_pinned_package_is_named_with_its_version_and_a_licence() -> None:
    rows = dict(re.findall(r"^\| (\S+) \| (\S+) \| [^|]*\w[^|]* \|$", TEXT, re.MULTILINE))
    assert {name: rows.get(name) for name in pinned()} == pinned()


def test_every_vendored_package_is_named_with_version_licence_and_origin() -> None:
    for package in manifest():
        row = f"| {package['name']} | {package['version']} | {package['licence']} | {package['source']} |"
        assert row in TEXT


def test_every_vendored_folder_is_in_the_manifest_and_carries_a_licence() -> None:
    folders = {path.name for path in VENDOR.iterdir() if path.is_dir()}
    assert folders == {package["name"] for package in manifest()}
    assert [name for name in folders if not list((VENDOR / name).glob("LICENSE*"))] == []


def test_every_vendored_file_is_what_its_manifest_says() -> None:
    stated = {name: digest for package in manifest() for name, digest in package["files"].items()}
    present = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert present == stated


@pytest.mark.parametrize("model", [path for path in MODELS.iterdir() if path.is_dir()], ids=lambda path: path.name)
def test_every_model_is_named_and_comes_with_licence_notice_and_origin(model: Any) -> None:
    about = tomllib.loads((model / "manifest.toml").read_text())
    assert f"{model.relative_to(ROOT)}/{about['file']}" in TEXT
    assert about["licence"] in TEXT
    assert about["origin"]["project"].split(",")[0].split("(")[-1].rstrip(")") in TEXT
    assert (model / about["notice"]).exists()
    assert list(model.glob("LICENSE*"))


def test_every_clip_is_named_and_has_an_origin() -> None:
    clips = [path for path in (ROOT / "camera_agent" / "footage").iterdir() if path.suffix == ".mp4"]
    origin = (ROOT / "camera_agent" / "footage" / "ORIGIN.md").read_text()
    assert clips
    assert [clip.name for clip in clips if clip.name not in TEXT or clip.name not in origin] == []


def test_the_gpl_inside_the_video_library_is_told() -> None:
    passage = next(part for part in TEXT.split("\n- ") if part.startswith("**av**"))
    assert all(word in passage for word in ("x264", "x265", "GPL", "decisions/0011"))
