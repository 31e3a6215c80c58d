"""Send what lies in the outbox until the servers' receipt: what is new at once, what had to wait in batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from camera_agent.capture.clock import Clock, WallClock
from camera_agent.delivery.lane import LateLane, LiveLane, Way
from camera_agent.delivery.link import Link
from camera_agent.delivery.outbox import Outbox, OutboxUnwritable
from camera_agent.delivery.pace import Pace
from camera_agent.delivery.receipts import ClockOffset
from fleet.logs import get_logger
from fleet.messages import MalformedMessage, Receipt

IDLE_S = 1.0
BACKFILL_RATE = 200.0
"""Late events a second."""

log = get_logger(__name__)


@dataclass
class Publisher:
    """`wake`, `reconnected` and `take_receipt` may be called from any thread and only leave word."""

    device_id: str
    outbox: Outbox
    link: Link
    announce: Callable[[], None]
    clock: Clock = field(default_factory=WallClock)
    backfill_rate: float = BACKFILL_RATE
    clock_offset: ClockOffset = field(default_factory=ClockOffset)
    foreign_receipts: int = 0
    malformed_receipts: int = 0
    _receipts: deque[bytes] = field(default_factory=deque)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _woken: bool = False
    _reconnected: bool = False
    _stop_by_s: float | None = None
    _unwritable: bool = False
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._way = Way(self.device_id, self.outbox, self.link)
        self.live = LiveLane(self._way)
        self.late = LateLane(self._way, Pace(self.backfill_rate), self.clock.now)
        self._start_over()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Go on until the outbox is empty, the link is gone, or time is up."""
        with self._news:
            self._stop_by_s = self.clock.seconds() + timeout_s
            self._news.notify()
        if self._thread is not None:
            self._thread.join(timeout_s + IDLE_S)

    def wake(self) -> None:
        """There are new rows."""
        with self._news:
            self._woken = True
            self._news.notify()

    def reconnected(self) -> None:
        """A connection is up: announce, and send again all that has no receipt."""
        with self._news:
            self._reconnected = True
            self._news.notify()

    def take_receipt(self, payload: bytes) -> None:
        with self._news:
            self._receipts.append(payload)
            self._news.notify()

    def _run(self) -> None:
        while not self._is_over():
            try:
                self._wait_for_news()
                self.step()
            except Exception:
                # The top of the thread: without it nothing would ever be sent again, so it goes on after a pause.
                log.exception("publisher failed; going on")
                threading.Event().wait(IDLE_S)

    def step(self) -> None:
        """Do everything that can be done now."""
        if self._take_reconnected():
            self._start_over()
            self.announce()
        try:
            while self._receipts:
                self._settle(self._receipts.popleft())
            self._send()
        except OutboxUnwritable as error:
            self._say_unwritable(error)

    def _send(self) -> None:
        if self._outbox_id != self.outbox.id:
            # The file was damaged, and its rows have other numbers in the new one.
            self._start_over()
        if self.link.is_connected:
            self.live.send(self.clock.seconds())
            self.late.send(self.clock.seconds())
        else:
            self._way.lanes.put_off(self.outbox.newest())

    def _start_over(self) -> None:
        self._outbox_id = self.outbox.id
        self._way.lanes.restart(self.outbox.newest())
        self.live.schedule.restart()
        self.late.schedule.restart()

    def _take_reconnected(self) -> bool:
        with self._news:
            was, self._reconnected, self._woken = self._reconnected, False, False
            return was

    def _wait_for_news(self) -> None:
        with self._news:
            self._news.wait_for(lambda: self._woken or self._reconnected or bool(self._receipts), self._patience_s())

    def _patience_s(self) -> float:
        if not self.link.is_connected:
            return IDLE_S
        now_s = self.clock.seconds()
        live_due_s, late_s = self.live.schedule.next_due_s(), self.late.next_s(now_s)
        waits = [IDLE_S] if live_due_s is None else [IDLE_S, live_due_s - now_s]
        return max(0.02, min(waits if late_s is None else [*waits, late_s]))

    def _is_over(self) -> bool:
        if self._stop_by_s is None:
            return False
        if not self.link.is_connected or self.clock.seconds() >= self._stop_by_s:
            return True
        return self.outbox.depth().rows == 0 and not self._receipts

    def _settle(self, payload: bytes) -> None:
        try:
            receipt = Receipt.decode(payload)
        except MalformedMessage as error:
            self.malformed_receipts += 1
            log.warning("unreadable receipt ignored", error=str(error), count=self.malformed_receipts)
            return
        self.clock_offset.learn(receipt, self.clock.now())
        ours = self.outbox.settle(receipt.outbox, receipt.committed)
        self._unwritable = False
        if ours:
            self.live.schedule.settle(receipt.committed)
            self.late.schedule.settle(receipt.committed)
        else:
            self.foreign_receipts += 1
            log.info("receipt for another outbox ignored", outbox=str(receipt.outbox), count=self.foreign_receipts)

    def _say_unwritable(self, error: OutboxUnwritable) -> None:
        # What stays is sent and confirmed once more later: harmless, so one line is enough.
        say = log.debug if self._unwritable else log.error
        say("receipt not applied, events will be sent again", error=str(error))
        self._unwritable = True
