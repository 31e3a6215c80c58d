"""What ingest knows of the fleet, and what each fact adds to the store because of it. No I/O; time is passed in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from dashboard.ingest import presence, rows
from dashboard.ingest.agent_event import AnyEvent
from dashboard.ingest.clock import ClockFacts, is_clock_suspect
from dashboard.ingest.decode import Fact, Malformed
from dashboard.ingest.oddities import Oddities, Oddity
from dashboard.ingest.presence import CameraPresence, Link, Standing
from dashboard.ingest.receipts import Committed, owed_for
from dashboard.ingest.roles import is_shared
from dashboard.ingest.rows import EventPlace
from dashboard.store.records import Records, Row
from fleet.messages import Birth, Health, Presence, Probe, Reason, RegistryFacts, StreamStatus
from fleet.topics import Channel, Topic

_LONGEST_S = 100 * 365 * 86_400.0


@dataclass(frozen=True)
class KnownCamera:
    """What later messages of a camera are judged by."""

    presence: CameraPresence = field(default_factory=CameraPresence)
    site_id: str | None = None
    clock: ClockFacts = field(default_factory=ClockFacts)


@dataclass(slots=True)
class Outcome:
    """What one message adds to the store, and what its camera is owed once that is committed."""

    records: Records = field(default_factory=Records)
    committed: list[Committed] = field(default_factory=list)


@dataclass
class Projection:
    """The fleet as ingest knows it. Every change of presence goes out as records.

    Of several processes only the first `judges`: what the others hear of a camera helps them to write its events.
    """

    cameras: dict[str, KnownCamera] = field(default_factory=dict)
    link: Link = field(default_factory=Link)
    odd: Oddities = field(default_factory=Oddities)
    judges: bool = True
    # Since when a camera that is online was last heard, where nothing else about it changed.
    _heard: dict[str, datetime] = field(default_factory=dict)

    def remember(self, stored: Iterable[Row]) -> None:
        """Start from what an earlier run has stored."""
        self.cameras = {row["device_id"]: _from_row(row) for row in stored}

    def take(self, fact: Fact) -> Outcome:
        """Apply one fact."""
        outcome = Outcome()
        if fact.topic.channel is Channel.PROBE:
            probe = cast(Probe, fact.message)
            outcome.records.probes.append(rows.probe_row(fact.topic.device_id, probe, fact.received_at))
        else:
            _HANDLERS[fact.topic.channel](self, fact, outcome)
        return outcome if self.judges else _without_judgement(outcome)

    def set_aside(self, malformed: Malformed) -> Outcome:
        """Put a message that cannot be read into quarantine; the camera need not keep what is kept there."""
        if not self.judges and not is_shared(malformed.received.topic):
            return Outcome()
        return Outcome(Records(quarantine=[rows.quarantine_row(malformed)]), owed_for(malformed))

    def link_changed(self, is_up: bool, now: datetime) -> Records:
        """Ingest's own connection came or went."""
        if not is_up:
            self.link = Link(down_since=self.link.down_since or now)
            return Records()
        self.link = Link(up_since=now)
        return self._for_all(lambda camera: presence.on_link_up(camera, now))

    def time_passed(self, now: datetime) -> Records:
        """Look for silence."""
        return self._for_all(lambda camera: presence.on_time(camera, self.link, now))

    def count_by_standing(self) -> dict[str, int]:
        """Return how many cameras stand where."""
        counts = {standing.value: 0 for standing in Standing}
        for known in self.cameras.values():
            counts[known.presence.standing.value] += 1
        return counts

    def _for_all(self, turn: Callable[[CameraPresence], CameraPresence]) -> Records:
        records = Records()
        for device_id in list(self.cameras) if self.judges else ():
            self._turn(device_id, turn(self._known(device_id).presence), records)
        return records

    def _turn(self, device_id: str, turned: CameraPresence, records: Records) -> None:
        """Keep a camera's presence; a later `last_seen_at` alone is not worth a row."""
        known = self._known(device_id)
        before = replace(known.presence, last_seen_at=turned.last_seen_at)
        if before != turned:
            records.change_camera(device_id, **rows.presence_columns(turned))
        self.cameras[device_id] = replace(known, presence=turned)

    def _known(self, device_id: str) -> KnownCamera:
        known = self.cameras.get(device_id) or KnownCamera()
        if device_id in self._heard:
            known = replace(known, presence=replace(known.presence, last_seen_at=self._heard.pop(device_id)))
            self.cameras[device_id] = known
        return known

    def _is_alive(self, fact: Fact, session: int | None, records: Records) -> None:
        if not fact.retained:
            known = self._known(fact.topic.device_id)
            turned = presence.on_alive(known.presence, session, fact.received_at)
            self._turn(fact.topic.device_id, turned, records)

    def _presence(self, fact: Fact, outcome: Outcome) -> None:
        message = cast(Presence, fact.message)
        known = self._known(fact.topic.device_id).presence
        if known.is_stale(message.session):
            self.odd.note(Oddity.STALE_PRESENCE, fact.topic.device_id, fact.received_at)
            return
        turn = presence.on_retained_presence if fact.retained else presence.on_presence
        turned = turn(known, message.session, message.state, fact.received_at)
        self._turn(fact.topic.device_id, turned, outcome.records)

    def _birth(self, fact: Fact, outcome: Outcome) -> None:
        birth, device_id = cast(Birth, fact.message), fact.topic.device_id
        self._is_alive(fact, birth.session, outcome.records)
        known = self._known(device_id)
        if known.presence.is_stale(birth.session):
            return
        told = replace(
            known.presence,
            interval=timedelta(seconds=birth.health_interval_s),
            certificate_not_after=birth.certificate_not_after,
        )
        self.cameras[device_id] = replace(known, presence=told)
        outcome.records.change_camera(device_id, **rows.birth_columns(birth))

    def _health(self, fact: Fact, outcome: Outcome) -> None:
        health, device_id = cast(Health, fact.message), fact.topic.device_id
        self._is_alive(fact, health.session, outcome.records)
        known = self._known(device_id)
        told = replace(known.presence, interval=timedelta(seconds=health.interval_s))
        self.cameras[device_id] = replace(known, presence=told, clock=_clock_facts(health.model_dump()))
        outcome.records.change_camera(
            device_id, last_seen_at=told.last_seen_at, **rows.health_columns(health, fact.received_at)
        )
        outcome.records.telemetry.append(rows.telemetry_row(device_id, health, fact.received_at))

    def _stream_status(self, fact: Fact, outcome: Outcome) -> None:
        status, device_id = cast(StreamStatus, fact.message), fact.topic.device_id
        self._is_alive(fact, status.session, outcome.records)
        outcome.records.streams.append(rows.stream_row(device_id, str(fact.topic.stream), status))
        outcome.records.change_camera(device_id)

    def place_of(self, topic: Topic, now: datetime) -> EventPlace | None:
        """Return where a camera's events happen while nothing but their rows follows from them: it is online.

        That it was heard is noted here: what `on_alive` would do, once for all its events of a batch.
        """
        known = self.cameras.get(topic.device_id)
        if known is None or known.presence.standing is not Standing.ONLINE:
            return None
        self._heard[topic.device_id] = now
        return EventPlace(topic.device_id, str(topic.stream), known.site_id, known.clock)

    def is_suspect(self, event: AnyEvent, place: EventPlace, sent_at: datetime | None, now: datetime) -> bool:
        """Say whether the clock of an event's camera is to be doubted, and count it if so."""
        clock = place.clock if sent_at is None else place.clock.with_word(sent_at, now)
        is_suspect = is_clock_suspect(event.ts, now, clock)
        if is_suspect:
            self.odd.note(Oddity.CLOCK_SUSPECT, place.device_id, now)
        return is_suspect

    def _event(self, fact: Fact, outcome: Outcome) -> None:
        event, topic, now = cast(AnyEvent, fact.message), fact.topic, fact.received_at
        self._is_alive(fact, None, outcome.records)
        known = self._known(topic.device_id)
        place = EventPlace(topic.device_id, str(topic.stream), known.site_id, known.clock)
        row = rows.event_row(place.device_id, place.stream, event, now)
        row["site_id"] = place.site_id
        row["clock_suspect"] = self.is_suspect(event, place, fact.sent_at, now)
        outcome.records.events.append(row)
        outcome.committed.append(Committed(place.device_id, event.outbox, event.seq))

    def _registry(self, fact: Fact, outcome: Outcome) -> None:
        facts, device_id = cast(RegistryFacts, fact.message), fact.topic.device_id
        turned = presence.on_registry(self._known(device_id).presence, facts.state, facts.denied, fact.received_at)
        self._turn(device_id, turned, outcome.records)
        self.cameras[device_id] = replace(self._known(device_id), site_id=facts.site_id)
        outcome.records.change_camera(device_id, **rows.registry_columns(facts))


_HANDLERS: dict[Channel, Callable[[Projection, Fact, Outcome], None]] = {
    Channel.PRESENCE: Projection._presence,
    Channel.BIRTH: Projection._birth,
    Channel.HEALTH: Projection._health,
    Channel.STREAM_STATUS: Projection._stream_status,
    Channel.EVENT: Projection._event,
    Channel.REGISTRY: Projection._registry,
}


def _without_judgement(outcome: Outcome) -> Outcome:
    """Leave what only the first of several processes writes to it."""
    records = outcome.records
    for written_by_the_first in (records.cameras, records.streams, records.telemetry):
        written_by_the_first.clear()
    return outcome


def _from_row(row: Row) -> KnownCamera:
    standing = Standing(row["presence"])
    return KnownCamera(
        presence=CameraPresence(
            standing=standing,
            reason=Reason(row["reason"]) if row["reason"] else None,
            since=row["since"],
            session=row["session"],
            last_seen_at=row["last_seen_at"],
            interval=timedelta(seconds=row["health_interval_s"] or 15.0),
            certificate_not_after=row["certificate_not_after"],
            online_since=row["since"] if standing is Standing.ONLINE else None,
        ),
        site_id=row["site_id"],
        clock=_clock_facts(row["health"] or {}),
    )


def _clock_facts(health: dict[str, Any]) -> ClockFacts:
    offset = health.get("clock_offset_s")
    return ClockFacts(
        offset=None if offset is None else _span(offset),
        outbox_oldest=_span(health.get("outbox_oldest_s", 0.0)),
    )


def _span(seconds: float) -> timedelta:
    """Return a span of time; absurd numbers, which a camera may say, become 100 years."""
    return timedelta(seconds=max(-_LONGEST_S, min(_LONGEST_S, seconds)))
