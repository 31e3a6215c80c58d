"""What a simulated camera says about itself, in the messages that agents use. Pure."""

from dataclasses import dataclass
from datetime import datetime

from bench.simfleet.packets import Message as Publish
from fleet import topics
from fleet.messages import (
    VERSION,
    Birth,
    Health,
    Presence,
    PresenceState,
    Reason,
    StreamHealth,
    StreamInfo,
    StreamState,
    StreamStatus,
)

STREAM = "main"
SOFTWARE = "simfleet"
FPS = 5.0
MEBI = 1024 * 1024


@dataclass(frozen=True)
class Condition:
    """What a health message says that changes: its number, the outbox, and this camera's own load."""

    seq: int
    depth: int
    oldest_s: float
    cpu_pct: float


@dataclass(frozen=True)
class Words:
    """Messages of one life of one camera."""

    device_id: str
    session: int
    health_s: float

    def will(self, now: datetime) -> Publish:
        """Return what the broker says when the camera dies without a word."""
        death = Presence(ts=now, session=self.session, state=PresenceState.OFFLINE, reason=Reason.CONNECTION_LOST)
        return Publish(topics.presence(self.device_id), death.encode(), qos=1, retain=True)

    def presence(self, now: datetime, state: PresenceState) -> bytes:
        """Return online or stopping."""
        reason = Reason.STOPPED if state is PresenceState.STOPPING else None
        return Presence(ts=now, session=self.session, state=state, reason=reason).encode()

    def announcement(self, now: datetime) -> list[tuple[str, bytes]]:
        """Return topic and payload of all that is retained, to be said after each connection."""
        stream = StreamInfo(name=STREAM, kind="file", width=1280, height=720, fps=FPS)
        birth = Birth(
            ts=now,
            session=self.session,
            software=SOFTWARE,
            versions=[VERSION],
            streams=[stream],
            capabilities=["events", "health", "stream-status"],
            health_interval_s=self.health_s,
        )
        status = StreamStatus(ts=now, session=self.session, state=StreamState.ONLINE, since=now)
        return [
            (topics.birth(self.device_id), birth.encode()),
            (topics.presence(self.device_id), self.presence(now, PresenceState.ONLINE)),
            (topics.stream_status(self.device_id, STREAM), status.encode()),
        ]

    def health(self, now: datetime, condition: Condition) -> bytes:
        """Return one regular health message."""
        return Health(
            ts=now,
            session=self.session,
            seq=condition.seq,
            interval_s=self.health_s,
            cpu_pct=condition.cpu_pct,
            rss_bytes=190 * MEBI,
            disk_free_bytes=20_000 * MEBI,
            disk_total_bytes=30_000 * MEBI,
            temperature_c=48.5,
            streams={STREAM: StreamHealth(fps=FPS, inference_ms=14.0)},
            outbox_depth=condition.depth,
            outbox_oldest_s=condition.oldest_s,
            clock_offset_s=0.0,
        ).encode()
