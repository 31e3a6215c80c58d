"""What a camera says about itself: presence, birth, health, the state of its streams."""

from enum import StrEnum

from pydantic import Field

from fleet.messages.message import Amount, Count, Measure, Message, Name, Part, UtcTime
from fleet.messages.reason import Reason

Session = Count


class PresenceState(StrEnum):
    """What a camera's presence topic can say; `offline` is only ever said by its will."""

    ONLINE = "online"
    STOPPING = "stopping"
    OFFLINE = "offline"


class StreamState(StrEnum):
    """What a stream can be."""

    ONLINE = "online"
    OFFLINE = "offline"
    DISABLED = "disabled"
    IDLE = "idle"


class Presence(Message):
    """Online, stopping, or (the will) offline. `session` rises with each start, so an old death is recognised."""

    session: Session
    state: PresenceState
    reason: Reason | None = None


class ModelInfo(Part):
    """A model that the camera has loaded, by the hash of its file."""

    name: Name
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class StreamInfo(Part):
    """One lens: its name, the kind of its source (`file`, `rtsp`, `usb`, `folder`), size in pixels, frames/s."""

    name: Name
    kind: Name
    width: Count = 0
    height: Count = 0
    fps: Amount = 0.0


class Birth(Message):
    """What the camera is, said once after each start."""

    session: Session
    software: Name
    versions: list[Count] = Field(max_length=16)
    models: list[ModelInfo] = Field(default=[], max_length=16)
    streams: list[StreamInfo] = Field(default=[], max_length=64)
    capabilities: list[Name] = Field(default=[], max_length=64)
    certificate_not_after: UtcTime | None = None
    health_interval_s: float = Field(default=15.0, ge=1, le=3600)


class StreamHealth(Part):
    """How one stream does: frames/s analysed, frames dropped since the start, milliseconds per inference."""

    fps: Amount = 0.0
    dropped_frames: Count = 0
    inference_ms: Amount = 0.0


class Health(Message):
    """Regular telemetry; losing one is fine."""

    session: Session
    seq: Count
    interval_s: float = Field(ge=1, le=3600)
    cpu_pct: Amount = 0.0
    rss_bytes: Count = 0
    disk_free_bytes: Count = 0
    disk_total_bytes: Count = 0
    temperature_c: Measure | None = None
    streams: dict[Name, StreamHealth] = Field(default={}, max_length=64)
    outbox_depth: Count = 0
    outbox_oldest_s: Amount = 0.0
    clock_offset_s: Measure | None = None


class StreamStatus(Message):
    """The state of one stream since when, with a reason for everything that is not online."""

    session: Session
    state: StreamState
    reason: Reason | None = None
    since: UtcTime
    detail: str | None = Field(default=None, max_length=200)
