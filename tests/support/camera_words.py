"""What a camera says, for tests of those who listen: each function returns a message with sensible defaults."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from dashboard.ingest.agent_event import AgentEvent
from fleet import topics
from fleet.messages import (
    Birth,
    Event,
    Health,
    Message,
    Presence,
    PresenceState,
    Reason,
    RegistryFacts,
    StreamHealth,
    StreamState,
    StreamStatus,
)
from fleet.mqtt import Received

CAMERA = "cam-front-door"
OUTBOX = UUID("00000000-0000-7000-8000-000000000001")
MOMENT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def event(seq: int = 1, *, now: datetime = MOMENT, **given: Any) -> Event:
    """An event of a person, new unless told otherwise."""
    said: dict[str, Any] = {
        "session": 7,
        "outbox": OUTBOX,
        "seq": seq,
        "event_id": uuid4(),
        "rev": 1,
        "change": "new",
        "label": "person",
        "score": 0.8,
        "box": (0.1, 0.2, 0.3, 0.4),
        "started_at": now,
        "frame_ts": now,
    }
    return Event(ts=now, **(said | given))


def presence(state: str = "online", *, session: int = 7, now: datetime = MOMENT) -> Presence:
    """A presence."""
    return Presence(ts=now, session=session, state=PresenceState(state))


def birth(*, session: int = 7, now: datetime = MOMENT, interval_s: float = 15.0) -> Birth:
    """A birth."""
    ends = now + timedelta(days=90)
    return Birth(
        ts=now,
        session=session,
        software="0.1.0",
        versions=[1],
        certificate_not_after=ends,
        health_interval_s=interval_s,
    )


def health(*, session: int = 7, seq: int = 1, now: datetime = MOMENT, **given: Any) -> Health:
    """A heartbeat."""
    said: dict[str, Any] = {
        "interval_s": 15.0,
        "cpu_pct": 12.5,
        "rss_bytes": 175_000_000,
        "disk_free_bytes": 25,
        "disk_total_bytes": 100,
        "streams": {"main": StreamHealth(fps=4.9)},
    }
    return Health(ts=now, session=session, seq=seq, **(said | given))


def status(state: str = "online", reason: Reason | None = None, *, now: datetime = MOMENT) -> StreamStatus:
    """The state of a stream."""
    return StreamStatus(ts=now, session=7, state=StreamState(state), reason=reason, since=now)


def facts(
    state: str = "accepted", *, now: datetime = MOMENT, site_id: str = "hq", denied: bool = False
) -> RegistryFacts:
    """The registry's facts."""
    return RegistryFacts(
        ts=now,
        name="Front door",
        site_id=site_id,
        site_name="Head office",
        time_zone="Europe/Vienna",
        state=state,
        denied=denied,
    )


def topic_of(message: Message, device_id: str = CAMERA, stream: str = "main") -> str:
    """Where a message goes."""
    by_kind = {
        Event: lambda: topics.event(device_id, stream),
        Presence: lambda: topics.presence(device_id),
        Birth: lambda: topics.birth(device_id),
        Health: lambda: topics.health(device_id),
        StreamStatus: lambda: topics.stream_status(device_id, stream),
        RegistryFacts: lambda: topics.registry(device_id),
    }
    return by_kind[type(message)]()


def received(message: Message, *, device_id: str = CAMERA, retained: bool = False, mid: int = 1) -> Received:
    """A message as the session hands it over."""
    qos = 0 if isinstance(message, Health) else 1
    return Received(topic_of(message, device_id), message.encode(), qos, retained, mid, 1)


def as_event(read: object) -> Event:
    """What ingest read, whichever way, as the strict model."""
    assert isinstance(read, Event | AgentEvent)
    return read if isinstance(read, Event) else Event.model_validate(msgspec.structs.asdict(read))
