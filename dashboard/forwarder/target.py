"""What the forwarder and its targets say to each other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from dashboard.presentation import event_json


class Verdict(StrEnum):
    """What a failure asks for: try again soon, try again seldom until a person looked, or never."""

    AWAY = "waiting"
    REFUSED = "refused"
    GONE = "stopped"


@dataclass(frozen=True)
class Trouble:
    """Why a target did not take everything; the reason is for people and holds no secret."""

    verdict: Verdict
    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Message:
    """One event as it is sent: the JSON of the REST API, for which `device_id` is the key."""

    change_seq: int
    device_id: str
    body: bytes

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Message":
        """Return the message of a stored event."""
        body = json.dumps(event_json(row), separators=(",", ":"), ensure_ascii=False).encode()
        return cls(row["change_seq"], row["device_id"], body)


@dataclass(frozen=True)
class Delivery:
    """The first `taken` messages of those that were given are safe at the target; `trouble` says why no more."""

    taken: int
    trouble: Trouble | None = None


class Target(Protocol):
    """One receiver. `name` is that of its cursor, `address` is for people."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> str: ...

    def deliver(self, messages: Sequence[Message]) -> Delivery:
        """Hand messages over in their order; returns when all are taken, at trouble, or when told to stop.

        It is called again and again also when there is nothing to hand over.
        """

    def close(self) -> None:
        """Let go of connections; what is not confirmed counts as not taken."""
