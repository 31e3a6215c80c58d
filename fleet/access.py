"""Who may read and write which topics: the rules that both brokers' ACL files must say, as data."""

from dataclasses import dataclass
from enum import StrEnum

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

SERVER_RULES: dict[str, tuple[AccessRule, ...]] = {
    "srv-ingest-1": (
        AccessRule(Access.READ, EVERYTHING_UP),
        AccessRule(Access.READ, _REGISTRY),
        AccessRule(Access.WRITE, topic_filter(Channel.RECEIPT, Direction.DOWN)),
        AccessRule(Access.WRITE, topic_filter(Channel.UPLOAD, Direction.DOWN)),
        AccessRule(Access.WRITE, f"{PREFIX}/srv-ingest-1/up/probe"),
    ),
    "srv-courier-1": (
        AccessRule(Access.READ, topic_filter(Channel.CSR)),
        AccessRule(Access.READ, "$SYS/#"),
        AccessRule(Access.WRITE, topic_filter(Channel.CERTIFICATE, Direction.DOWN)),
        AccessRule(Access.WRITE, _REGISTRY),
    ),
    # Takes over a revoked camera's session and holds it; it may neither read nor write anything.
    "srv-kick-1": (),
}
