"""Follow the store once for all clients, and render each set of changes once."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from dashboard.feed.frames import render_changes, render_summary
from dashboard.store.changes import ChangeSet
from dashboard.store.database import StoreUnavailable
from fleet.logs import get_logger

log = get_logger(__name__)

POLL_S = 0.02
RETRY_S = 1.0
MOST_CLIENTS = 1_000
MOST_BEHIND = 500
MOST_KEPT = 256
MOST_KEPT_BYTES = 16 * 1024 * 1024

# The sites that a client may see; None is every site.
Sites = frozenset[str] | None


class Source(Protocol):
    """What the hub asks of the store."""

    def newest(self) -> int: ...

    def may_have_come(self) -> bool: ...

    def count_after(self, change_seq: int) -> int: ...

    def after(self, change_seq: int) -> ChangeSet: ...


class TooManyClients(Exception):
    """The feed has as many clients as it takes."""


@dataclass(frozen=True)
class Rendered:
    """What changed after `since` up to `last`, as bytes for every client."""

    since: int
    last: int
    count: int
    body: bytes


class Hub:
    """One greenlet polls while there are clients; clients wait for it and read from what it keeps."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._changed = threading.Condition()
        self._kept: deque[Rendered] = deque()
        self._kept_bytes = 0
        self._clients = 0
        self._follower: threading.Thread | None = None
        self.cursor = 0

    @property
    def clients(self) -> int:
        """Return how many clients follow."""
        return self._clients

    @contextmanager
    def client(self) -> Iterator[None]:
        """Count a client in and out; raises TooManyClients, StoreUnavailable."""
        self._join()
        try:
            yield
        finally:
            with self._changed:
                self._clients -= 1
                self._changed.notify_all()

    def wait_for_news(self, cursor: int, timeout_s: float) -> bool:
        """Wait until the feed stands elsewhere than at `cursor`; returns whether it does."""
        with self._changed:
            return self._changed.wait_for(lambda: self.cursor != cursor, timeout=timeout_s)

    def read(self, cursor: int, sites: Sites = None) -> tuple[bytes, int]:
        """Return everything after `cursor` at these sites as bytes, and the cursor from which to go on."""
        with self._changed:
            newest, kept = self.cursor, list(self._kept)
        if cursor == newest:
            return b"", cursor
        if sites is None and cursor < newest and kept and kept[0].since <= cursor:
            return _gathered([item for item in kept if item.last > cursor], newest), newest
        # What is kept is rendered for those who see every site; the others' share is asked of the store.
        return self._catch_up(cursor, sites)

    def _catch_up(self, cursor: int, sites: Sites) -> tuple[bytes, int]:
        newest = self._source.newest()
        if cursor > newest:
            # The client comes from another life of this database.
            return render_summary(newest, 0), newest
        if cursor == newest:
            return b"", cursor
        missed = self._source.count_after(cursor)
        if missed > MOST_BEHIND:
            return render_summary(newest, missed), newest
        changes = self._source.after(cursor)
        return _rendered_for(changes, sites), changes.last

    def _join(self) -> None:
        with self._changed:
            if self._clients >= MOST_CLIENTS:
                raise TooManyClients(f"the feed serves {MOST_CLIENTS} clients already")
            if self._follower is None:
                self.cursor = self._source.newest()
                self._kept.clear()
                self._kept_bytes = 0
                self._follower = threading.Thread(target=self._follow, name="feed-follower", daemon=True)
                self._follower.start()
            self._clients += 1

    def _follow(self) -> None:
        failing = False
        while self._has_clients():
            try:
                self.poll()
                failing = False
            except StoreUnavailable as error:
                if not failing:
                    log.error("the database does not answer; the feed waits", reason=str(error))
                failing = True
            time.sleep(RETRY_S if failing else POLL_S)

    def _has_clients(self) -> bool:
        with self._changed:
            if self._clients == 0:
                self._follower = None
            return self._clients > 0

    def poll(self) -> None:
        """Look once for changes and hand them to everybody who waits."""
        if not self._source.may_have_come():
            return
        changes = self._source.after(self.cursor)
        if changes.last == self.cursor:
            return
        count = len(changes.cameras) + len(changes.events)
        rendered = Rendered(self.cursor, changes.last, count, render_changes(changes))
        with self._changed:
            self._keep(rendered)
            self.cursor = changes.last
            self._changed.notify_all()

    def _keep(self, rendered: Rendered) -> None:
        self._kept.append(rendered)
        self._kept_bytes += len(rendered.body)
        while len(self._kept) > MOST_KEPT or self._kept_bytes > MOST_KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popleft().body)


def _rendered_for(changes: ChangeSet, sites: Sites) -> bytes:
    seen = changes if sites is None else changes.at(sites)
    return render_changes(seen) if seen.cameras or seen.events else b""


def _gathered(wanted: list[Rendered], newest: int) -> bytes:
    skipped = sum(item.count for item in wanted)
    if skipped > MOST_BEHIND:
        return render_summary(newest, skipped)
    return b"".join(item.body for item in wanted)
