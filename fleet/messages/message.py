"""What every message shares: schema version, UTC times, JSON bytes in and out."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

VERSION = 1


class MalformedMessage(ValueError):
    """The payload is not this message; the text names the first field that is wrong, never the payload."""


def _as_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no such time in UTC") from None


def to_wire_time(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds and `Z`, as messages and APIs write times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


UtcTime = Annotated[AwareDatetime, AfterValidator(_as_utc)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
# Larger than anything that is measured, and small enough that sums of them stay numbers.
LARGEST_AMOUNT = 1e15
Amount = Annotated[float, Field(ge=0.0, le=LARGEST_AMOUNT, allow_inf_nan=False)]
Measure = Annotated[float, Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT, allow_inf_nan=False)]
# What databases hold.
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Ordinal = Annotated[int, Field(ge=1, le=2**63 - 1)]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Box = tuple[Fraction, Fraction, Fraction, Fraction]
Point = tuple[Fraction, Fraction]


_KEY = re.compile(rb'"([^"\\]*)"\s*:')


class Part(BaseModel):
    """A piece of a message: frozen, unknown fields ignored so that newer writers do not break older readers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Part):
    """A whole payload. `v` is the schema version, `ts` the sender's clock."""

    v: int = Field(default=VERSION, ge=1, le=VERSION)
    ts: UtcTime

    def encode(self) -> bytes:
        """Return the payload: JSON without what is unset, times in UTC."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read a payload; raises MalformedMessage naming what is wrong with it."""
        try:
            message = cls.model_validate_json(payload)
        except ValidationError as error:
            raise MalformedMessage(_first_problem(error.errors(include_input=False, include_url=False))) from None
        _refuse_repeated_keys(payload)
        return message


def _first_problem(problems: list[Any]) -> str:
    where = ".".join(str(part) for part in problems[0]["loc"]) or "payload"
    return f"{where}: {problems[0]['msg']}"[:200]


def _refuse_repeated_keys(payload: bytes) -> None:
    """Refuse what says a thing twice. A glance at the keys clears nearly all, few are read again."""
    keys = _KEY.findall(payload)
    if len(keys) != len(set(keys)):
        json.loads(payload, object_pairs_hook=_each_once, parse_int=str)


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise MalformedMessage("payload: says the same key twice")
