"""What is served to browsers: vendored files are what the manifest says, and nothing needs an inline exception."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard"
VENDOR = DASHBOARD / "static" / "vendor"
PACKAGES: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text())["packages"]
TEMPLATES = sorted((DASHBOARD / "templates").glob("*.html"))
MODULES = sorted((DASHBOARD / "static" / "js").glob("*.js"))
STYLES = sorted(path for path in (DASHBOARD / "static").rglob("*.css") if VENDOR not in path.parents)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_each_vendored_file_is_the_one_in_the_manifest(package: dict[str, Any]) -> None:
    assert package["version"]
    assert package["source"].startswith("npm:")
    assert package["licence"]
    for name, digest in package["files"].items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_the_manifest_names_every_vendored_file_and_each_licence_is_there() -> None:
    named = {name for package in PACKAGES for name in package["files"]}
    present = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert present - named == {"manifest.json"}
    assert {f"{package['name']}/LICENSE" for package in PACKAGES} <= named


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_inline_script_style_or_handler(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)
    assert not re.search(r"\|\s*safe\b", text)


@pytest.mark.parametrize("source", [*TEMPLATES, *MODULES, *STYLES], ids=lambda path: path.name)
def test_nothing_is_asked_of_another_host(source: Path) -> None:
    addresses = re.findall(r"""(?:src|href|url|import|fetch)\W{1,3}((?:https?:)?//[\w.]+)""", source.read_text())
    assert addresses == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_never_parse_data_as_html_and_stay_small(module: Path) -> None:
    text = module.read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert text.startswith("/**")
    assert len(text.splitlines()) <= 160


def test_every_icon_in_use_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (VENDOR / "lucide" / "icons.svg").read_text()))
    used = {name for path in TEMPLATES for name in re.findall(r'm\.icon\("([\w-]+)"', path.read_text())}
    for path in MODULES:
        text = path.read_text()
        used |= set(re.findall(r"icon\('([\w-]+)'\)", text)) | set(re.findall(r"\bicon(?:Name)?: '([\w-]+)'", text))
    assert used - sprite == set()


def test_css_uses_only_tokens_that_exist() -> None:
    tokens = set(re.findall(r"(--[\w-]+):", (DASHBOARD / "static" / "tokens.css").read_text()))
    for path in STYLES:
        text = path.read_text()
        own = set(re.findall(r"(--[\w-]+):", text))
        assert set(re.findall(r"var\((--[\w-]+)", text)) - tokens - own == set(), path.name


def tokens(theme: str) -> dict[str, str]:
    """The colours in force in a theme, as rrggbb; dark re-values what light names."""
    text = (DASHBOARD / "static" / "tokens.css").read_text()
    light, dark = text.split(':root[data-theme="dark"]')
    named = dict(re.findall(r"(--[\w-]+): #([0-9a-f]{6});", light))
    return named | (dict(re.findall(r"(--[\w-]+): #([0-9a-f]{6});", dark)) if theme == "dark" else {})


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


GROUNDS = ("--n-1", "--n-2", "--n-3")
INKS = ("--n-7", "--n-8", "--n-9", "--n-10", "--accent", "--online", "--degraded", "--offline", "--idle")
PAIRS = [
    *((ink, ground) for ink in INKS for ground in GROUNDS),
    *((f"--{state}", f"--{state}-soft") for state in ("online", "degraded", "offline", "idle")),
    ("--accent", "--accent-soft"),
    ("--n-7", "--accent-soft"),
    ("--on-accent", "--accent"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_has_the_contrast_that_aa_asks_for(theme: str, ink: str, ground: str) -> None:
    colours = tokens(theme)
    dim, bright = sorted((luminance(colours[ink]), luminance(colours[ground])))
    assert (bright + 0.05) / (dim + 0.05) >= 4.5
