"""The one place that builds and parses MQTT topics, and the table of who may write which channel."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from fleet.identifiers import is_device_id, is_server_id, is_stream_name

PREFIX = "fleet/v1"
MAX_PAYLOAD_BYTES = 128 * 1024


class NotATopic(ValueError):
    """The text is not a topic of this platform."""


class Direction(StrEnum):
    """Who writes: `up` is written by that camera only, `down` and `registry` by the servers only."""

    UP = "up"
    DOWN = "down"
    REGISTRY = "registry"


class Channel(StrEnum):
    """What a message is about, named as the last fixed part of its topic."""

    PRESENCE = "presence"
    BIRTH = "birth"
    HEALTH = "health"
    STREAM_STATUS = "status"
    EVENT = "event"
    COUNT = "count"
    BACKFILL = "backfill"
    RECEIPT = "receipt"
    TWIN = "twin"
    COMMAND = "command"
    RESPONSE = "response"
    CSR = "csr"
    CERTIFICATE = "certificate"
    UPLOAD = "upload"
    PROBE = "probe"
    REGISTRY = "registry"


@dataclass(frozen=True)
class ChannelRule:
    """One row of DESIGN §4: a channel in one direction, and its delivery. `pattern` follows the direction."""

    channel: Channel
    direction: Direction
    pattern: str
    qos: int
    retained: bool


CHANNELS: tuple[ChannelRule, ...] = (
    ChannelRule(Channel.PRESENCE, Direction.UP, "presence", 1, True),
    ChannelRule(Channel.BIRTH, Direction.UP, "birth", 1, True),
    ChannelRule(Channel.HEALTH, Direction.UP, "health", 0, False),
    ChannelRule(Channel.STREAM_STATUS, Direction.UP, "stream/+/status", 1, True),
    ChannelRule(Channel.EVENT, Direction.UP, "stream/+/event", 1, False),
    ChannelRule(Channel.COUNT, Direction.UP, "stream/+/count/+", 1, True),
    ChannelRule(Channel.BACKFILL, Direction.UP, "backfill", 1, False),
    ChannelRule(Channel.TWIN, Direction.UP, "twin", 1, True),
    ChannelRule(Channel.RESPONSE, Direction.UP, "response/+", 1, False),
    ChannelRule(Channel.CSR, Direction.UP, "csr", 1, False),
    ChannelRule(Channel.UPLOAD, Direction.UP, "upload", 1, False),
    ChannelRule(Channel.PROBE, Direction.UP, "probe", 1, False),
    ChannelRule(Channel.RECEIPT, Direction.DOWN, "receipt", 1, False),
    ChannelRule(Channel.TWIN, Direction.DOWN, "twin", 1, True),
    ChannelRule(Channel.COMMAND, Direction.DOWN, "command/+", 1, False),
    ChannelRule(Channel.CERTIFICATE, Direction.DOWN, "certificate", 1, False),
    ChannelRule(Channel.UPLOAD, Direction.DOWN, "upload", 1, False),
    ChannelRule(Channel.REGISTRY, Direction.REGISTRY, "", 1, True),
)

_RULES = {(rule.direction, tuple(rule.pattern.split("/"))): rule for rule in CHANNELS}


def rule_of(channel: Channel, direction: Direction) -> ChannelRule:
    """Return the row of a channel; KeyError means that the channel does not go in that direction."""
    for rule in CHANNELS:
        if rule.channel is channel and rule.direction is direction:
            return rule
    raise KeyError(f"{channel} does not go {direction}")


@dataclass(frozen=True)
class Topic:
    """One concrete topic. `stream` and `item` (line or zone, command id) stand only where the channel has them."""

    device_id: str
    channel: Channel
    direction: Direction = Direction.UP
    stream: str | None = None
    item: str | None = None

    def __str__(self) -> str:
        root = f"{PREFIX}/{self.device_id}/{self.direction}"
        rule = rule_of(self.channel, self.direction)
        if not rule.pattern:
            return root
        fills = [part for part in (self.stream, self.item) if part is not None]
        if len(fills) != rule.pattern.count("+"):
            raise NotATopic(f"{rule.pattern} needs {rule.pattern.count('+')} names, not {len(fills)}")
        named = iter(fills)
        levels = [next(named) if level == "+" else level for level in rule.pattern.split("/")]
        return "/".join([root, *levels])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a topic back into its parts; raises NotATopic for everything that this platform does not write."""
        levels = text.split("/")
        if len(levels) < 4 or "/".join(levels[:2]) != PREFIX:
            raise NotATopic(f"{text!r} does not begin with {PREFIX}/<device>/")
        device_id, direction_name, rest = levels[2], levels[3], levels[4:]
        if not (is_device_id(device_id) or is_server_id(device_id)):
            raise NotATopic(f"{device_id!r} is not a device id")
        if direction_name not in set(Direction):
            raise NotATopic(f"{direction_name!r} is not a direction")
        return cls._of_levels(device_id, Direction(direction_name), rest or [""])

    @classmethod
    def _of_levels(cls, device_id: str, direction: Direction, levels: list[str]) -> Self:
        for (of_direction, pattern), rule in _RULES.items():
            if of_direction is not direction or len(pattern) != len(levels):
                continue
            pairs = list(zip(pattern, levels, strict=True))
            if all(want in ("+", have) for want, have in pairs):
                names = [have for want, have in pairs if want == "+"]
                return cls._with_names(device_id, rule, names)
        raise NotATopic(f"no channel {'/'.join(levels)!r} goes {direction}")

    @classmethod
    def _with_names(cls, device_id: str, rule: ChannelRule, names: list[str]) -> Self:
        if not all(_is_level(name) for name in names):
            raise NotATopic(f"bad name in {names}")
        if rule.pattern.startswith("stream/"):
            if not is_stream_name(names[0]):
                raise NotATopic(f"{names[0]!r} is not a stream name")
            return cls(device_id, rule.channel, rule.direction, *names)
        return cls(device_id, rule.channel, rule.direction, item=names[0] if names else None)


def _is_level(name: str) -> bool:
    return 0 < len(name) <= 80 and not set(name) & set("+#/\0$")


def topic_filter(channel: Channel, direction: Direction = Direction.UP) -> str:
    """Return the filter that gets this channel of every camera (servers only)."""
    rule = rule_of(channel, direction)
    return "/".join(part for part in (PREFIX, "+", str(direction), rule.pattern) if part)


def own_subtree(device_id: str, direction: Direction) -> str:
    """Return the filter of everything one camera may write (`up`) or read (`down`)."""
    return f"{PREFIX}/{device_id}/{direction}/#"


EVERYTHING_UP = f"{PREFIX}/+/up/#"


def presence(device_id: str) -> str:
    """Return the topic of a camera's presence, which is also its will."""
    return str(Topic(device_id, Channel.PRESENCE))


def birth(device_id: str) -> str:
    """Return the topic on which a camera says what it is."""
    return str(Topic(device_id, Channel.BIRTH))


def health(device_id: str) -> str:
    """Return the topic of a camera's regular health."""
    return str(Topic(device_id, Channel.HEALTH))


def stream_status(device_id: str, stream: str) -> str:
    """Return the topic of one stream's state."""
    return str(Topic(device_id, Channel.STREAM_STATUS, stream=stream))


def event(device_id: str, stream: str) -> str:
    """Return the topic of one stream's events."""
    return str(Topic(device_id, Channel.EVENT, stream=stream))


def backfill(device_id: str) -> str:
    """Return the topic on which a camera sends late events, many in one message."""
    return str(Topic(device_id, Channel.BACKFILL))


def receipt(device_id: str) -> str:
    """Return the topic on which the servers say what is committed."""
    return str(Topic(device_id, Channel.RECEIPT, Direction.DOWN))


def csr(device_id: str) -> str:
    """Return the topic on which a camera asks for its next certificate."""
    return str(Topic(device_id, Channel.CSR))


def certificate(device_id: str) -> str:
    """Return the topic on which the servers answer a camera's `csr`."""
    return str(Topic(device_id, Channel.CERTIFICATE, Direction.DOWN))


def registry(device_id: str) -> str:
    """Return the topic that carries the registry's facts about a camera to the servers."""
    return str(Topic(device_id, Channel.REGISTRY, Direction.REGISTRY))


def probe(server_id: str) -> str:
    """Return the topic by which ingest measures its own way through the broker."""
    return str(Topic(server_id, Channel.PROBE))
