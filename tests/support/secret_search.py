"""Look for secrets in whatever was written: as they are, and in the forms in which they are commonly written down."""

import base64
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHORTEST = 8


@dataclass(frozen=True)
class Secret:
    """Something that nobody may read: a token, a password, a private key. `value` is its plain form."""

    name: str
    value: bytes

    @classmethod
    def text(cls, name: str, value: str) -> "Secret":
        return cls(name, value.encode())

    def forms(self) -> set[bytes]:
        """Return the byte strings by which this secret could be read out of something."""
        plain = {self.value, self.value.replace(b"-", b""), self.value.lower(), self.value.upper()}
        encoded = {part for each in plain for part in _base64_inside(each)}
        in_hex = {each.hex().encode() for each in plain} | {each.hex().upper().encode() for each in plain}
        return {form for form in plain | encoded | in_hex if len(form) >= SHORTEST}


def _base64_inside(value: bytes) -> Iterator[bytes]:
    """Yield what stands in a base64 text that has `value` anywhere in it, wherever it begins."""
    for offset in range(3):
        padded = base64.b64encode(b"\0" * offset + value)
        # The first and last characters also depend on what stands beside the value.
        inside = padded[(4 if offset else 0) : -4]
        yield inside
        yield inside.replace(b"+", b"-").replace(b"/", b"_")


def found_in(secrets: Iterable[Secret], places: Mapping[str, bytes]) -> list[str]:
    """Say which secret stands where; empty is good."""
    forms = {secret.name: secret.forms() for secret in secrets}
    return [
        f"{name} in {place}"
        for place, content in places.items()
        for name, each in forms.items()
        if any(form in content for form in each)
    ]


def everything_under(folder: Path, *, but: Iterable[Path] = ()) -> dict[str, bytes]:
    """Return the bytes of every file below `folder` but those below `but`, and the dump of every SQLite database."""
    left_out = tuple(but)
    places: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(path.is_relative_to(other) for other in left_out):
            places[str(path.relative_to(folder))] = path.read_bytes()
            if path.suffix == ".db":
                places[f"dump of {path.name}"] = dump(path)
    return places


def dump(database: Path) -> bytes:
    """Return what `.dump` gives (texts as they are, blobs in hex)."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return "\n".join(connection.iterdump()).encode()
    finally:
        connection.close()
