"""What the agent needs of an MQTT session, so that tests can stand in for it."""

from __future__ import annotations

from typing import Protocol


class Link(Protocol):
    @property
    def is_connected(self) -> bool: ...

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        """Send if connected; returns whether it was handed to the connection."""
        ...
