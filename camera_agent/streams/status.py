"""What every stream of this camera is, since when and why, and what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from fleet.messages import Reason, StreamHealth, StreamInfo, StreamState

Changed = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One stream as it stands."""

    info: StreamInfo
    state: StreamState
    reason: Reason | None
    detail: str | None
    since: datetime
    health: StreamHealth = field(default_factory=StreamHealth)


class StatusBoard:
    """Written by the streams' threads, read by the reporter; says which stream's state or shape changed."""

    def __init__(self) -> None:
        self._reports: dict[str, StreamReport] = {}
        self._lock = threading.Lock()
        self._changed: Changed | None = None

    def on_change(self, changed: Changed) -> None:
        """Call `changed` with a stream's name after its state changed, on the thread that changed it."""
        self._changed = changed

    def enter(self, info: StreamInfo, now: datetime) -> None:
        with self._lock:
            self._reports[info.name] = StreamReport(info, StreamState.OFFLINE, Reason.OPENING, None, now)

    def go_online(self, info: StreamInfo, now: datetime) -> None:
        with self._lock:
            self._reports[info.name] = replace(self._reports[info.name], info=info)
        self._set(info.name, StreamState.ONLINE, None, None, now)

    def go_offline(self, name: str, reason: Reason, detail: str, now: datetime) -> None:
        self._set(name, StreamState.OFFLINE, reason, detail[:200], now)

    def measure(self, name: str, health: StreamHealth) -> None:
        with self._lock:
            self._reports[name] = replace(self._reports[name], health=health)

    def reports(self) -> dict[str, StreamReport]:
        with self._lock:
            return dict(self._reports)

    def _set(self, name: str, state: StreamState, reason: Reason | None, detail: str | None, now: datetime) -> None:
        with self._lock:
            old = self._reports[name]
            if (old.state, old.reason, old.detail) == (state, reason, detail):
                return
            since = old.since if (old.state, old.reason) == (state, reason) else now
            self._reports[name] = replace(old, state=state, reason=reason, detail=detail, since=since)
        if self._changed is not None:
            self._changed(name)
