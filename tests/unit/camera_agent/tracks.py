"""Tracks, decisions and moments for tests, with only what a test cares about spelled out."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from camera_agent.events import Decision
from camera_agent.vision.types import Box, Track
from fleet.messages import Change

BEGIN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """The moment `seconds` after every test's beginning."""
    return BEGIN + timedelta(seconds=seconds)


def track(number: int = 1, *, x: float = 0.5, at: float = 0.0, score: float = 0.6, **other: object) -> Track:
    """A confirmed person seen at `at`, whose box begins at `x`."""
    values = {
        "track_id": number,
        "label": "person",
        "score": score,
        "box": Box(x, 0.5, 0.1, 0.2),
        "confirmed": True,
        "first_seen": BEGIN,
        "last_seen": after(at),
        "missed": 0,
    }
    return Track(**{**values, **other})  # type: ignore[arg-type]


def decision(rev: int = 1, change: Change = Change.NEW, event_id: UUID | None = None, *, points: int = 1) -> Decision:
    """One revision of an event; more `points` make it larger."""
    box = Box(0.1, 0.2, 0.3, 0.4)
    return Decision(
        event_id=event_id or uuid4(),
        rev=rev,
        change=change,
        track_id=1,
        label="person",
        score=0.7,
        box=box,
        best_box=box,
        best_score=0.8,
        started_at=BEGIN,
        ended_at=after(1) if change is Change.END else None,
        frame_ts=after(1),
        path=tuple((n / 100, 0.5) for n in range(points)),
    )
