"""Read what clients ask for from a query string; everything that makes no sense is a 400 that says why. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from dashboard.store.events import EventFilter, Place
from fleet.problem import Problem

Arguments = Mapping[str, str]
TEXT_MOST = 80
_LARGEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"(-?[0-9]{1,18})\.([0-9a-f-]{36})")


def read_limit(arguments: Arguments, default: int, most: int) -> int:
    """Return how many items are asked for, 1 to `most`."""
    text = arguments.get("limit", "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise _bad(f"limit must be a whole number from 1 to {most}")
    return int(text)


def read_cursor(arguments: Arguments) -> int | None:
    """Return the number at which the last page ended."""
    text = arguments.get("cursor", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _LARGEST):
        raise _unknown_cursor()
    return int(text)


def read_place(arguments: Arguments) -> Place | None:
    """Return the event with which the last page ended."""
    text = arguments.get("cursor", "")
    if not text:
        return None
    found = _PLACE.fullmatch(text)
    try:
        if found is None:
            raise _unknown_cursor()
        return Place(_EPOCH + int(found[1]) * _MICROSECOND, found[2])
    except OverflowError:
        raise _unknown_cursor() from None


def place_text(place: Place) -> str:
    """Return the cursor that leads on from a place; clients do not read it."""
    return f"{(place.happened_at - _EPOCH) // _MICROSECOND}.{place.event_id}"


def read_time(arguments: Arguments, name: str) -> datetime | None:
    """Return an ISO 8601 time in UTC; a bare date is its midnight in UTC."""
    text = arguments.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise _bad(f"{name} must be an ISO 8601 time such as 2026-11-20T08:00:00Z") from None
    if moment.tzinfo is None and len(text) > len("2026-11-20"):
        raise _bad(f"{name} must say its zone, such as 2026-11-20T08:00:00Z")
    if not 1970 <= moment.year <= 9000:
        raise _bad(f"{name} must lie after 1970")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_event_filter(arguments: Arguments) -> EventFilter:
    """Return which events are asked for."""
    return EventFilter(
        camera=_text(arguments, "camera"),
        label=_text(arguments, "label"),
        site=_text(arguments, "site"),
        after=read_time(arguments, "after"),
        before=read_time(arguments, "before"),
        below=read_place(arguments),
    )


def _text(arguments: Arguments, name: str) -> str | None:
    text = arguments.get(name, "")
    if len(text) > TEXT_MOST or "\0" in text:
        raise _bad(f"{name} is longer than {TEXT_MOST} characters or not text")
    return text or None


def _unknown_cursor() -> Problem:
    return _bad("cursor must be one that an earlier answer gave")


def _bad(detail: str) -> Problem:
    return Problem(400, "Bad query", detail)
