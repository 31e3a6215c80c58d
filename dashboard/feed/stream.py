"""One client's stream: at once when it was quiet, at most five writes a second, a heartbeat when nothing happens."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dashboard.feed.frames import HEARTBEAT, HELLO
from dashboard.feed.hub import Hub, Sites, TooManyClients
from dashboard.store.database import StoreUnavailable

PAUSE_S = 0.2
HEARTBEAT_S = 15.0
CHECK_EVERY_S = 30.0


@dataclass
class ClientStream:
    """Yields what to write. `since` is where the client stopped; `may_stay` says whether its session still holds.

    `sites` are those that it may see.
    """

    hub: Hub
    since: int | None
    may_stay: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sites: Sites = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self.hub.client():
                cursor = self.hub.cursor if self.since is None else self.since
                yield HELLO
                yield from self._follow(cursor)
        except (StoreUnavailable, TooManyClients):
            # The stream ends; the browser comes back and goes on from its last id.
            return

    def _follow(self, cursor: int) -> Iterator[bytes]:
        wrote_at, checked_at = self.clock() - PAUSE_S, self.clock()
        while True:
            if self.clock() - checked_at >= CHECK_EVERY_S:
                checked_at = self.clock()
                if not self.may_stay():
                    return
            if not self.hub.wait_for_news(cursor, HEARTBEAT_S):
                yield HEARTBEAT
                continue
            self._pause(PAUSE_S - (self.clock() - wrote_at))
            body, cursor = self.hub.read(cursor, self.sites)
            wrote_at = self.clock()
            if body:
                yield body

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.sleep(seconds)
