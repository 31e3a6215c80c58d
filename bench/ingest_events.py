"""Events of a few cameras as MQTT packets, made before anything is measured by the agents' own message class."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.simfleet.packets import remaining_length
from fleet import topics
from fleet.identifiers import uuid7
from fleet.messages import Change, Event

STREAM = "main"
LABELS = ("person", "car", "dog", "bicycle")
MOST_MIDS = 65_535
PUBLISH_QOS_1 = 0x32


@dataclass(frozen=True)
class Packets:
    """One camera's PUBLISH packets in sending order: their bytes in one piece, and where each begins."""

    device_id: str
    content: bytes
    starts: Sequence[int]

    def __len__(self) -> int:
        return len(self.starts) - 1


def device_ids(count: int) -> list[str]:
    """Return the names of so many cameras."""
    return [f"cam-bench-{number:04}" for number in range(1, count + 1)]


def make_packets(device_id: str, count: int, seed: int) -> Packets:
    """Make `count` different events of one camera, about 350 bytes each as an agent writes them."""
    chance = random.Random(seed)  # noqa: S311  (not a secret)
    outbox = uuid7()
    now = datetime.now(UTC)
    pieces, starts, end = [], [0], 0
    for number in range(count):
        event = make_event(outbox, number + 1, now + timedelta(milliseconds=number), chance)
        packet = publish_packet(topics.event(device_id, STREAM), event.encode(), number % MOST_MIDS + 1)
        pieces.append(packet)
        end += len(packet)
        starts.append(end)
    return Packets(device_id, b"".join(pieces), starts)


def make_event(outbox: UUID, seq: int, now: datetime, chance: random.Random) -> Event:
    """Return a new event as an agent decides it on the first frames of a track."""

    def share() -> float:
        return round(chance.uniform(0.01, 0.45), 4)

    return Event(
        ts=now,
        session=7,
        outbox=outbox,
        seq=seq,
        event_id=uuid7(int(now.timestamp() * 1000)),
        rev=1,
        change=Change.NEW,
        track_id=seq,
        label=chance.choice(LABELS),
        score=share(),
        box=(share(), share(), share(), share()),
        best_score=share(),
        started_at=now - timedelta(milliseconds=450),
        frame_ts=now - timedelta(milliseconds=50),
        aspect=1.7778,
    )


def publish_packet(topic: str, payload: bytes, mid: int) -> bytes:
    """Return an MQTT 5 PUBLISH of QoS 1 without properties."""
    name = topic.encode()
    body = len(name).to_bytes(2) + name + mid.to_bytes(2) + b"\0" + payload
    return bytes([PUBLISH_QOS_1]) + remaining_length(len(body)) + body


def connect_packet(client_id: str) -> bytes:
    """Return an MQTT 5 CONNECT with a clean start."""
    body = b"\0\x04MQTT\x05\x02" + (120).to_bytes(2) + b"\0" + len(client_id).to_bytes(2) + client_id.encode()
    return b"\x10" + remaining_length(len(body)) + body


def subscribe_packet(topic_filter: str) -> bytes:
    """Return an MQTT 5 SUBSCRIBE with QoS 1."""
    body = (1).to_bytes(2) + b"\0" + len(topic_filter).to_bytes(2) + topic_filter.encode() + b"\x01"
    return b"\x82" + remaining_length(len(body)) + body
