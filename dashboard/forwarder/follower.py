"""One target's thread: read what comes next, hand it over, note how far it was taken."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from dashboard.forwarder.condition import TargetCondition
from dashboard.forwarder.planning import Pauses
from dashboard.forwarder.target import Message, Target, Trouble, Verdict
from dashboard.store.database import RowRefused, StoreUnavailable
from dashboard.store.forwarding import Cursor, NoSuchTarget, Page
from fleet.logs import get_logger

log = get_logger(__name__)

# An event's JSON has at most some 10 KB: a page bounds what is in memory for one target.
PAGE = 500
POLL_S = 0.5
# Whether a person lets a stopped target go on.
LOOK_AGAIN_S = 2.0


class Source(Protocol):
    """What a follower asks of the store."""

    def begin(self, name: str, now: datetime) -> None: ...

    def next_page(self, name: str, most: int) -> Page: ...

    def advance(self, cursor: Cursor, change_seq: int, now: datetime) -> bool: ...

    def stop(self, cursor: Cursor, reason: str, now: datetime) -> bool: ...


@dataclass
class Follower:
    """Delivers first and moves the cursor then: who dies in between delivers again."""

    target: Target
    source: Source
    condition: TargetCondition
    stopping: threading.Event
    clock: Callable[[], datetime]
    pauses: Pauses = field(default_factory=Pauses)
    _failures: int = 0
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._work, name=self.target.name, daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended, after `stopping` was set."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def turn(self) -> float:
        """Hand over one page and return how many seconds to wait before the next; raises StoreUnavailable."""
        try:
            page = self.source.next_page(self.target.name, PAGE)
        except NoSuchTarget:
            self.source.begin(self.target.name, self.clock())
            return 0.0
        if page.cursor.error is not None:
            self.condition.troubled(Trouble(Verdict.GONE, page.cursor.error), self.clock())
            return LOOK_AGAIN_S
        return self._hand_over(page) if page.events else self._is_idle()

    def _is_idle(self) -> float:
        self._failures = 0
        # A target may have to look after connections that nothing is sent on.
        self.target.deliver([])
        self.condition.well(self.clock())
        return POLL_S

    def _hand_over(self, page: Page) -> float:
        delivery = self.target.deliver([Message.of(row) for row in page.events])
        cursor = self._advance(page, delivery.taken) if delivery.taken else page.cursor
        if delivery.trouble is not None:
            return self._pause_after(delivery.trouble, cursor)
        if delivery.taken:
            self.condition.well(self.clock())
        return 0.0 if len(page.events) == PAGE else POLL_S

    def _advance(self, page: Page, taken: int) -> Cursor:
        self._failures = 0
        self.condition.took(taken)
        change_seq = page.events[taken - 1]["change_seq"]
        if not self.source.advance(page.cursor, change_seq, self.clock()):
            log.info("the cursor was moved by a person; going on from there", target=self.target.name)
        return replace(page.cursor, change_seq=change_seq)

    def _pause_after(self, trouble: Trouble, cursor: Cursor) -> float:
        self._failures += 1
        self.condition.failed()
        self.condition.troubled(trouble, self.clock())
        if trouble.verdict is Verdict.GONE:
            self.source.stop(cursor, trouble.reason, self.clock())
            return LOOK_AGAIN_S
        return self.pauses.after(trouble, self._failures)

    def _work(self) -> None:
        wait_s = 0.0
        try:
            while not self.stopping.wait(wait_s):
                wait_s = self._guarded_turn()
        finally:
            self.target.close()

    def _guarded_turn(self) -> float:
        try:
            return self.turn()
        except (StoreUnavailable, RowRefused) as error:
            return self._wait_for(f"the database does not answer: {error}")
        except Exception as error:
            # The top of a thread: one that dies would lag in silence.
            log.error("a target failed in a way that nobody foresaw", target=self.target.name, exc_info=True)
            return self._wait_for(f"failed inside: {type(error).__name__}; the log has more")

    def _wait_for(self, reason: str) -> float:
        self._failures += 1
        trouble = Trouble(Verdict.AWAY, reason)
        self.condition.troubled(trouble, self.clock())
        return self.pauses.after(trouble, self._failures)
