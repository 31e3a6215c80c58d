"""What lies in the outbox: a row, its place, and the event message made for that place. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from camera_agent.events import Decision
from camera_agent.vision.types import Box
from fleet.identifiers import uuid7
from fleet.messages import Change, Event, MalformedMessage

DIGITS = 4
"""Of a coordinate or score: a ten-thousandth of the frame is less than a pixel of most cameras."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: its number, its stream, and the payload exactly as it goes out, each time it does."""

    seq: int
    stream: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event is kept, and which life of the agent decided it when."""

    outbox: UUID
    seq: int
    session: int
    ts: datetime


EventMaker = Callable[[Place], Event]


def event_of(decision: Decision) -> EventMaker:
    def make(place: Place) -> Event:
        return Event(
            ts=place.ts,
            session=place.session,
            outbox=place.outbox,
            seq=place.seq,
            event_id=decision.event_id,
            rev=decision.rev,
            change=decision.change,
            track_id=decision.track_id,
            label=decision.label,
            score=_fraction(decision.score),
            box=_corners(decision.box),
            best_box=_corners(decision.best_box),
            best_score=_fraction(decision.best_score),
            started_at=decision.started_at,
            ended_at=decision.ended_at,
            frame_ts=decision.frame_ts,
            aspect=decision.aspect,
            path=[(_fraction(x), _fraction(y)) for x, y in decision.path],
        )

    return make


def ended(last: Event) -> EventMaker:
    """End an event that nobody follows any more, as of when it was last reported."""
    return _again(last, {"change": Change.END, "rev": last.rev + 1, "ended_at": last.frame_ts})


def read_event(payload: bytes) -> Event | None:
    """Return the event of a row; None for bytes that a disk has spoilt."""
    try:
        return Event.decode(payload)
    except MalformedMessage:
        return None


def moved(event: Event) -> EventMaker:
    """Give an event a place in another outbox; all else stays as it was decided."""

    def make(place: Place) -> Event:
        return event.model_copy(update={"outbox": place.outbox, "seq": place.seq})

    return make


def gap_of(lost: int | None) -> EventMaker:
    """Say that `lost` whole events of a stream had to be dropped; None when nobody can tell how many."""

    def make(place: Place) -> Event:
        return Event(
            ts=place.ts,
            session=place.session,
            outbox=place.outbox,
            seq=place.seq,
            event_id=uuid7(int(place.ts.timestamp() * 1000)),
            rev=1,
            change=Change.GAP,
            started_at=place.ts,
            frame_ts=place.ts,
            lost=lost,
        )

    return make


def grown_gap(gap: Event | None, lost: int) -> EventMaker:
    """Add to what a gap event that still waits says."""
    if gap is None:
        return gap_of(lost)
    return _again(gap, {"rev": gap.rev + 1, "lost": (gap.lost or 0) + lost})


def _again(event: Event, changed: dict[str, object]) -> EventMaker:
    def make(place: Place) -> Event:
        kept = {"outbox": place.outbox, "seq": place.seq, "session": place.session, "ts": place.ts}
        return event.model_copy(update={**changed, **kept})

    return make


def _corners(box: Box) -> tuple[float, float, float, float]:
    """Cut a box that a tracker expects beyond the picture down to the picture."""
    left, top = _fraction(box.x), _fraction(box.y)
    right, bottom = _fraction(box.x + box.w), _fraction(box.y + box.h)
    return left, top, round(right - left, DIGITS), round(bottom - top, DIGITS)


def _fraction(value: float) -> float:
    return round(min(1.0, max(0.0, float(value))), DIGITS)
