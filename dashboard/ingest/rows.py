"""Turn messages into rows of the store. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from dashboard.ingest.agent_event import AgentEvent, AnyEvent, written
from dashboard.ingest.clock import ClockFacts
from dashboard.ingest.decode import Malformed
from dashboard.ingest.presence import CameraPresence
from dashboard.store.records import Columns, Row, happened_at
from fleet.messages import Birth, Health, Probe, RegistryFacts, StreamStatus
from fleet.mqtt import Received


class EventPlace(NamedTuple):
    """Where an event happened, and what its camera's times are judged by."""

    device_id: str
    stream: str
    site_id: str | None
    clock: ClockFacts


class PlainEvent(Protocol):
    """An event from which nothing but its row follows."""

    @property
    def received(self) -> Received: ...

    @property
    def event(self) -> AgentEvent: ...

    @property
    def place(self) -> EventPlace: ...

    @property
    def clock_suspect(self) -> bool: ...


def event_row(device_id: str, stream: str, event: AnyEvent, received_at: datetime) -> Row:
    """Return an event's row, with what the camera said in its one form; site and suspicion are the caller's to add."""
    return {
        "device_id": device_id,
        "event_id": str(event.event_id),
        "rev": event.rev,
        "stream": stream,
        "label": event.label,
        "received_at": received_at,
        "happened_at": happened_at(event.started_at, received_at),
        "payload": written(event).decode(),
    }


def event_columns(plain: Sequence[PlainEvent], received_at: datetime) -> Columns:
    """Return the rows of many events by column, site and suspicion with them: the same as `event_row` gives."""
    said = [item.event for item in plain]
    places = [item.place for item in plain]
    return {
        "device_id": [place.device_id for place in places],
        "event_id": [event.event_id for event in said],
        "rev": [event.rev for event in said],
        "site_id": [place.site_id for place in places],
        "stream": [place.stream for place in places],
        "label": [event.label for event in said],
        "clock_suspect": [item.clock_suspect for item in plain],
        "received_at": [received_at] * len(plain),
        "happened_at": [happened_at(event.started_at, received_at) for event in said],
        "payload": [item.received.payload.decode() for item in plain],
    }


def presence_columns(camera: CameraPresence) -> Row:
    """Return a camera's columns that follow from its presence."""
    return {
        "presence": camera.standing.value,
        "reason": camera.reason.value if camera.reason else None,
        "since": camera.since,
        "session": camera.session,
        "last_seen_at": camera.last_seen_at,
    }


def registry_columns(facts: RegistryFacts) -> Row:
    """Return a camera's columns that the registry decides."""
    return {
        "name": facts.name,
        "site_id": facts.site_id,
        "site_name": facts.site_name,
        "time_zone": facts.time_zone,
        "group_name": facts.group,
        "state": facts.state,
        "stream_facts": {name: stream.model_dump() for name, stream in facts.streams.items()},
    }


def birth_columns(birth: Birth) -> Row:
    """Return a camera's columns that it says of itself once."""
    return {
        "software": birth.software,
        "certificate_not_after": birth.certificate_not_after,
        "birth": birth.model_dump(mode="json"),
        "health_interval_s": birth.health_interval_s,
    }


def health_columns(health: Health, received_at: datetime) -> Row:
    """Return a camera's columns that its newest health decides."""
    return {
        "health_at": received_at,
        "health": health.model_dump(mode="json"),
        "health_interval_s": health.interval_s,
    }


def telemetry_row(device_id: str, health: Health, received_at: datetime) -> Row:
    """Return one measurement; fps is that of all streams together."""
    return {
        "device_id": device_id,
        "received_at": received_at,
        "ts": health.ts,
        "cpu_pct": health.cpu_pct,
        "rss_bytes": health.rss_bytes,
        "disk_free_bytes": health.disk_free_bytes,
        "temperature_c": health.temperature_c,
        "fps": sum(stream.fps for stream in health.streams.values()),
        "dropped_frames": sum(stream.dropped_frames for stream in health.streams.values()),
        "outbox_depth": health.outbox_depth,
        "outbox_oldest_s": health.outbox_oldest_s,
        "clock_offset_s": health.clock_offset_s,
    }


def stream_row(device_id: str, name: str, status: StreamStatus) -> Row:
    """Return the state of one stream."""
    return {
        "device_id": device_id,
        "name": name,
        "state": status.state.value,
        "reason": status.reason.value if status.reason else None,
        "detail": status.detail,
        "since": status.since,
        "session": status.session,
    }


def quarantine_row(malformed: Malformed) -> Row:
    """Return a payload that could not be read, as it came; repeats share a fingerprint."""
    topic, payload = malformed.received.topic, malformed.received.payload
    return {
        "fingerprint": hashlib.sha256(topic.encode() + b"\0" + payload).hexdigest(),
        "topic": topic[:400],
        "device_id": malformed.device_id,
        "payload": payload,
        "reason": malformed.reason,
        "count": 1,
        "first_received_at": malformed.received_at,
        "received_at": malformed.received_at,
    }


def probe_row(server_id: str, probe: Probe, committed_at: datetime) -> Row:
    """Return the newest probe of an ingest process."""
    return {"server_id": server_id, "n": probe.n, "sent_at": probe.ts, "committed_at": committed_at}
