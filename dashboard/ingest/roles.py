"""Who does what when several ingest processes share the work. Pure data.

Events are shared: the broker gives each one to one process of the group. What cameras say of themselves goes to the
first alone, which judges it; the others read only what an event's row takes of it, the site and the clock.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from fleet import topics
from fleet.access import ingest_id
from fleet.topics import Channel, Direction, topic_filter

SHARED = (Channel.EVENT, Channel.BACKFILL)
_REGISTRY = topic_filter(Channel.REGISTRY, Direction.REGISTRY)
_FOR_THE_FIRST = (Channel.PRESENCE, Channel.BIRTH, Channel.STREAM_STATUS)
# One process that stays away must not keep what nobody else would get.
KEPT_FOR_ONE = timedelta(days=1)
# One of several must not keep its share from the others for long: after this, cameras that send again reach the living.
KEPT_FOR_MANY = timedelta(minutes=1)


@dataclass(frozen=True)
class Role:
    """One process of ingest. `judges`: it writes presence, health and all that is not an event."""

    server_id: str
    judges: bool
    filters: tuple[str, ...]
    kept: timedelta
    share: float

    @property
    def fingerprint(self) -> str:
        """Return what tells these subscriptions from those of another layout, and not the group's name."""
        return hashlib.sha256("\n".join(self.filters).encode()).hexdigest()


def is_shared(topic: str) -> bool:
    """Say whether a topic's messages are divided among the processes, so that each is one process's to keep."""
    return topic.endswith(("/event", "/up/backfill"))


def role_of(process: int, processes: int, group: str) -> Role:
    """Return the role of process 1..`processes`; `group` matters only where there are several."""
    server_id = ingest_id(process)
    if processes == 1:
        return Role(server_id, True, (topics.EVERYTHING_UP, _REGISTRY), KEPT_FOR_ONE, 1.0)
    shared = (f"$share/{group}/{topic_filter(channel)}" for channel in SHARED)
    heard = (Channel.HEALTH, *(_FOR_THE_FIRST if process == 1 else ()))
    own = (_REGISTRY, *map(topic_filter, heard), topics.probe(server_id))
    return Role(server_id, process == 1, (*shared, *own), KEPT_FOR_MANY, 1 / processes)
