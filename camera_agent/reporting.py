"""What the camera says about itself: birth, presence, the state of its streams, and regular health."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from camera_agent.delivery.link import Link
from camera_agent.delivery.outbox import Depth
from camera_agent.house import HouseFigures
from camera_agent.streams.status import StatusBoard, StreamReport
from fleet import topics
from fleet.messages import (
    VERSION,
    Birth,
    Health,
    Message,
    ModelInfo,
    Presence,
    PresenceState,
    Reason,
    StreamHealth,
    StreamState,
    StreamStatus,
)
from fleet.mqtt import Will

CAPABILITIES = ["events", "backfill", "health", "stream-status"]


@dataclass(frozen=True)
class Introduction:
    """What stays the same for one life of the process."""

    device_id: str
    session: int
    software: str
    models: tuple[ModelInfo, ...]
    certificate_not_after: datetime
    health_interval_s: float


def will_of(device_id: str, session: int, now: datetime) -> Will:
    """What the broker says when this session dies without a word; ingest matches it with the last birth."""
    death = Presence(ts=now, session=session, state=PresenceState.OFFLINE, reason=Reason.CONNECTION_LOST)
    return Will(topics.presence(device_id), death.encode())


@dataclass
class Reporter:
    """Builds the messages and hands them to the link; what cannot be sent now is said anew by `announce`."""

    who: Introduction
    board: StatusBoard
    link: Link
    now: Callable[[], datetime]
    _health_seq: int = 0
    _in_order: threading.Lock = field(default_factory=threading.Lock)

    def announce(self) -> None:
        """Say everything that is retained: a broker may have forgotten it, or had it from an earlier life."""
        self._say_birth()
        self._say_presence(PresenceState.ONLINE)
        for name in self.board.reports():
            self.say_stream(name)

    def certificate_renewed(self, not_after: datetime) -> None:
        """Say until when the certificate is good now."""
        self.who = replace(self.who, certificate_not_after=not_after)
        self._say_birth()

    def say_stopping(self) -> None:
        self._say_presence(PresenceState.STOPPING, Reason.STOPPED)

    def say_stream(self, name: str) -> None:
        # Read and sent in one go: a thread that read earlier must not have the last, retained word.
        with self._in_order:
            status = self._status(self.board.reports()[name])
            self._say(topics.stream_status(self.who.device_id, name), status)

    def say_stream_and_shape(self, name: str) -> None:
        """After a stream's change: its state, and the birth too, which carries its size in pixels."""
        self.say_stream(name)
        if self.board.reports()[name].state is StreamState.ONLINE:
            self._say_birth()

    def say_health(self, house: HouseFigures, outbox: Depth, clock_offset_s: float | None) -> None:
        self._health_seq += 1
        health = Health(
            ts=self.now(),
            session=self.who.session,
            seq=self._health_seq,
            interval_s=self.who.health_interval_s,
            cpu_pct=house.cpu_pct,
            rss_bytes=house.rss_bytes,
            disk_free_bytes=house.disk_free_bytes,
            disk_total_bytes=house.disk_total_bytes,
            temperature_c=house.temperature_c,
            streams={name: _health_of(report) for name, report in self.board.reports().items()},
            outbox_depth=outbox.rows,
            outbox_oldest_s=outbox.oldest.total_seconds(),
            clock_offset_s=clock_offset_s,
        )
        self.link.publish(topics.health(self.who.device_id), health.encode(), qos=0)

    def _status(self, report: StreamReport) -> StreamStatus:
        return StreamStatus(
            ts=self.now(),
            session=self.who.session,
            state=report.state,
            reason=report.reason,
            since=report.since,
            detail=report.detail,
        )

    def _say_birth(self) -> None:
        with self._in_order:
            self._say(topics.birth(self.who.device_id), self._birth())

    def _birth(self) -> Birth:
        return Birth(
            ts=self.now(),
            session=self.who.session,
            software=self.who.software,
            versions=[VERSION],
            models=list(self.who.models),
            streams=[report.info for report in self.board.reports().values()],
            capabilities=CAPABILITIES,
            certificate_not_after=self.who.certificate_not_after,
            health_interval_s=self.who.health_interval_s,
        )

    def _say_presence(self, state: PresenceState, reason: Reason | None = None) -> None:
        presence = Presence(ts=self.now(), session=self.who.session, state=state, reason=reason)
        self._say(topics.presence(self.who.device_id), presence)

    def _say(self, topic: str, message: Message) -> None:
        self.link.publish(topic, message.encode(), qos=1, retain=True)


def _health_of(report: StreamReport) -> StreamHealth:
    if report.state is StreamState.ONLINE:
        return report.health
    return report.health.model_copy(update={"fps": 0.0})
