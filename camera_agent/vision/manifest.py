"""What a model says about itself: its file and hash, how to feed it, how to read it, what it may be used for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Fraction = Annotated[float, Field(gt=0, lt=1)]


class ManifestUnreadable(Exception):
    """The manifest is missing or says something that cannot be; one line names the file and the field."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Origin(_Part):
    project: str
    package: str
    sha256: str
    change: str


class Input(_Part):
    name: str
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    channels: Literal["BGR"]
    type: Literal["uint8"]
    layout: Literal["NHWC"]
    fit: Literal["letterbox"]
    normalisation: str


class Outputs(_Part):
    strides: tuple[int, ...]
    bins: Annotated[int, Field(gt=1)]


class Thresholds(_Part):
    floor: Fraction
    score: Fraction
    overlap: Fraction


class Labels(_Part):
    names: tuple[str, ...]


class Manifest(_Part):
    name: str
    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    decoder: str
    licence: str
    notice: str
    origin: Origin
    input: Input
    outputs: Outputs
    thresholds: Thresholds
    labels: Labels


def read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ManifestUnreadable(f"{path}: {error.strerror}; give a folder with a manifest.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestUnreadable(f"{path}: not TOML ({error}); correct it") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ManifestUnreadable(f"{path}: {field}: {first['msg']}; correct it") from error
