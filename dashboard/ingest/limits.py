"""How much ingest takes of one camera: a bucket of tokens for each, so that a flood harms nobody else. Pure."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from dashboard.ingest.roles import is_shared
from fleet.mqtt import Received
from fleet.topics import Direction

# A message costs one token for each KiB that it begins.
TOKEN_BYTES = 1024
MOST_BUCKETS = 40_000
MOST_NAMED = 1_000
# How long a camera that was limited is said to be.
RECENT_S = 60.0


# The tokens that one camera still has, and when that was so.
Bucket = tuple[float, float]


class Refused(NamedTuple):
    """How many messages of one camera were refused, and when the last was."""

    messages: int
    at_s: float


def cost_of(payload_bytes: int) -> int:
    """Return how many tokens a message takes."""
    return max(1, -(-payload_bytes // TOKEN_BYTES))


@lru_cache(maxsize=MOST_BUCKETS)
def lane_of(topic: str) -> tuple[str, str] | None:
    """Return the sender and whose bucket its message empties; None for what no camera says.

    What a camera keeps until its receipt, and sends again when it was refused, has a bucket of its own: a flood of
    events does not cost a camera its presence and health.
    """
    levels = topic.split("/", 4)
    if len(levels) < 5 or levels[3] != Direction.UP:
        return None
    device_id = levels[2][:64]
    return device_id, device_id if is_shared(topic) else f"{device_id} state"


@dataclass
class DeviceLimits:
    """Admits `rate` tokens a second of each device, and `burst` at once. Times are monotonic seconds.

    A camera that is refused keeps its event and sends it again, because no receipt comes. The memory is bounded:
    the buckets that were left alone longest are forgotten, which fills them, as the time did.
    """

    rate: float
    burst: float
    most_buckets: int = MOST_BUCKETS
    refused: int = 0
    _buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)
    _refused: dict[str, Refused] = field(default_factory=dict)

    def admits(self, received: Received, now_s: float) -> bool:
        """Say whether one more message of its sender is taken, and take its tokens if so."""
        lane = lane_of(received.topic)
        if lane is None:
            return True
        device_id, bucket = lane
        is_admitted = self._take(bucket, cost_of(len(received.payload)), now_s)
        if not is_admitted:
            self._note(device_id, now_s)
        return is_admitted

    def admits_all(self, messages: Iterable[Received], now_s: float) -> bool:
        """Take the tokens of many messages if none of them has to be refused; else take none and return False.

        What a batch does that is asked for as a whole costs a fraction of asking for each message.
        """
        by_topic: dict[str, int] = {}
        for received in messages:
            topic = received.topic
            by_topic[topic] = by_topic.get(topic, 0) + (-(-len(received.payload) // TOKEN_BYTES) or 1)
        costs: dict[str, int] = {}
        for topic, cost in by_topic.items():
            if (lane := lane_of(topic)) is not None:
                costs[lane[1]] = costs.get(lane[1], 0) + cost
        if any(self._tokens(bucket, now_s) < cost for bucket, cost in costs.items()):
            return False
        for bucket, cost in costs.items():
            self._take(bucket, cost, now_s)
        return True

    def describe(self, now_s: float) -> dict[str, Any]:
        """Return how many messages were refused, who is limited now, and who was most."""
        # Asked on another thread than `admits` runs on; a dict's copy is one step.
        refused = list(self._refused.copy().items())
        worst = max(refused, key=lambda item: item[1].messages, default=None)
        return {
            "messages": self.refused,
            "devices_now": sum(now_s - one.at_s <= RECENT_S for _, one in refused),
            "worst": {"device_id": worst[0], "messages": worst[1].messages} if worst else None,
        }

    def by_device(self) -> dict[str, int]:
        """Return how many messages of each named device were refused."""
        return {device_id: one.messages for device_id, one in self._refused.copy().items()}

    def _take(self, name: str, cost: int, now_s: float) -> bool:
        """Take the tokens if they are there; what costs more than a whole bucket takes a whole one."""
        tokens = self._tokens(name, now_s)
        wanted = min(cost, self.burst)
        is_there = tokens >= wanted
        self._buckets[name] = (tokens - wanted if is_there else tokens, self._buckets[name][1])
        return is_there

    def _tokens(self, name: str, now_s: float) -> float:
        """Fill a bucket by what time has brought, and return what is in it."""
        tokens, at_s = self._buckets.get(name) or self._new_bucket(now_s)
        if now_s > at_s:
            tokens, at_s = min(self.burst, tokens + (now_s - at_s) * self.rate), now_s
            # Put last: only time makes a bucket newer, so those of one batch keep their places.
            self._buckets.pop(name, None)
        self._buckets[name] = (tokens, at_s)
        return tokens

    def _new_bucket(self, now_s: float) -> Bucket:
        if len(self._buckets) >= self.most_buckets:
            self._buckets.popitem(last=False)
        return self.burst, now_s

    def _note(self, device_id: str, now_s: float) -> None:
        self.refused += 1
        before = self._refused.pop(device_id, Refused(0, now_s))
        self._refused[device_id] = Refused(before.messages + 1, now_s)
        if len(self._refused) > MOST_NAMED:
            del self._refused[next(iter(self._refused))]
