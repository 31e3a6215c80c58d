"""Fill the `@NAME@` places of a shipped configuration file; a place without a value, or the reverse, is an error."""

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PLACE = re.compile(r"@([A-Z_]+)@")


class TemplateMismatch(ValueError):
    """A template's places and the values given for them are not the same set."""


def fill(template: str, values: Mapping[str, object]) -> str:
    """Return the text with every place filled."""
    places = set(_PLACE.findall(template))
    if places != set(values):
        raise TemplateMismatch(f"places without value or values without place: {sorted(places ^ set(values))}")
    return _PLACE.sub(lambda place: str(values[place[1]]), template)
