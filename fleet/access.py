"""Who may read and write which topics: the rules that both brokers' ACL files must say, as data."""

from dataclasses import dataclass
from enum import StrEnum

from fleet import topics
from fleet.topics import EVERYTHING_UP, PREFIX, Channel, Direction, topic_filter


class Access(StrEnum):
    """What a rule allows; everything that no rule allows is denied."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class AccessRule:
    """One allowed access to a topic filter; `%u` stands for the user name, which is the certificate's CN."""

    access: Access
    topic_filter: str


CAMERA_RULES: tuple[AccessRule, ...] = (
    AccessRule(Access.WRITE, f"{PREFIX}/%u/up/#"),
    AccessRule(Access.READ, f"{PREFIX}/%u/down/#"),
)

_REGISTRY = topic_filter(Channel.REGISTRY, Direction.REGISTRY)
_RECEIPT = topic_filter(Channel.RECEIPT, Direction.DOWN)

# How many ingest processes may share the work, each with a certificate of its own. The rules name them all, so that
# the broker's files do not hang on how many a host runs.
MOST_INGEST_PROCESSES = 8


def ingest_id(process: int) -> str:
    """Return the name of an ingest process, the first being 1."""
    return f"srv-ingest-{process}"


def _of_further_ingest(server_id: str) -> tuple[AccessRule, ...]:
    """Only what it takes to store events: their site and clock, a receipt, and the process's own probe."""
    read = (
        *(topic_filter(channel) for channel in (Channel.EVENT, Channel.BACKFILL, Channel.HEALTH)),
        _REGISTRY,
        topics.probe(server_id),
    )
    return (
        *(AccessRule(Access.READ, each) for each in read),
        AccessRule(Access.WRITE, _RECEIPT),
        AccessRule(Access.WRITE, topics.probe(server_id)),
    )


SERVER_RULES: dict[str, tuple[AccessRule, ...]] = {
    ingest_id(1): (
        AccessRule(Access.READ, EVERYTHING_UP),
        AccessRule(Access.READ, _REGISTRY),
        AccessRule(Access.WRITE, _RECEIPT),
        AccessRule(Access.WRITE, topic_filter(Channel.UPLOAD, Direction.DOWN)),
        AccessRule(Access.WRITE, topics.probe(ingest_id(1))),
    ),
    **{name: _of_further_ingest(name) for name in map(ingest_id, range(2, MOST_INGEST_PROCESSES + 1))},
    "srv-courier-1": (
        AccessRule(Access.READ, topic_filter(Channel.CSR)),
        AccessRule(Access.READ, "$SYS/#"),
        AccessRule(Access.WRITE, topic_filter(Channel.CERTIFICATE, Direction.DOWN)),
        AccessRule(Access.WRITE, _REGISTRY),
    ),
    # Takes over a revoked camera's session and holds it; it may neither read nor write anything.
    "srv-kick-1": (),
}
