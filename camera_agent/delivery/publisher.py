"""Send what lies in the outbox, oldest first, again until the servers' receipt: one thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from camera_agent.capture.clock import Clock, WallClock
from camera_agent.delivery.entry import Entry
from camera_agent.delivery.link import Link
from camera_agent.delivery.outbox import Outbox, OutboxUnwritable
from camera_agent.delivery.receipts import ClockOffset
from camera_agent.delivery.resend import ResendSchedule
from fleet import topics
from fleet.logs import get_logger
from fleet.messages import MalformedMessage, Receipt

IN_FLIGHT = 500
"""Rows sent and not confirmed at a time: what a reconnect may send twice."""
IDLE_S = 1.0

log = get_logger(__name__)


@dataclass
class Publisher:
    """`wake`, `reconnected` and `take_receipt` may be called from any thread and only leave word."""

    device_id: str
    outbox: Outbox
    link: Link
    announce: Callable[[], None]
    clock: Clock = field(default_factory=WallClock)
    schedule: ResendSchedule = field(default_factory=ResendSchedule)
    clock_offset: ClockOffset = field(default_factory=ClockOffset)
    foreign_receipts: int = 0
    malformed_receipts: int = 0
    _sent_through: int = 0
    _receipts: deque[bytes] = field(default_factory=deque)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _woken: bool = False
    _reconnected: bool = False
    _stop_by_s: float | None = None
    _unwritable: bool = False
    _thread: threading.Thread | None = None

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
            self._sent_through = 0
            self.schedule.restart()
            self.announce()
        while self._receipts:
            self._settle(self._receipts.popleft())
        if self.link.is_connected:
            self._send_again()
            self._send_fresh()

    def _take_reconnected(self) -> bool:
        with self._news:
            was, self._reconnected, self._woken = self._reconnected, False, False
            return was

    def _wait_for_news(self) -> None:
        due_s = self.schedule.next_due_s()
        patience_s = IDLE_S if due_s is None else min(IDLE_S, max(0.05, due_s - self.clock.seconds()))
        with self._news:
            self._news.wait_for(lambda: self._woken or self._reconnected or bool(self._receipts), patience_s)

    def _is_over(self) -> bool:
        if self._stop_by_s is None:
            return False
        if not self.link.is_connected or self.clock.seconds() >= self._stop_by_s:
            return True
        return self.outbox.depth(self.clock.now()).rows == 0 and not self._receipts

    def _settle(self, payload: bytes) -> None:
        try:
            receipt = Receipt.decode(payload)
        except MalformedMessage as error:
            self.malformed_receipts += 1
            log.warning("unreadable receipt ignored", error=str(error), count=self.malformed_receipts)
            return
        self.clock_offset.learn(receipt, self.clock.now())
        try:
            ours = self.outbox.settle(receipt.outbox, receipt.committed)
        except OutboxUnwritable as error:
            self._say_unwritable(error)
            return
        self._unwritable = False
        if ours:
            self.schedule.settle(receipt.committed)
        else:
            self.foreign_receipts += 1
            log.info("receipt for another outbox ignored", outbox=str(receipt.outbox), count=self.foreign_receipts)

    def _say_unwritable(self, error: OutboxUnwritable) -> None:
        # What stays is sent and confirmed once more later: harmless, so one line is enough.
        say = log.debug if self._unwritable else log.error
        say("receipt not applied, events will be sent again", error=str(error))
        self._unwritable = True

    def _send_again(self) -> None:
        for seq in self.schedule.due(self.clock.seconds()):
            entry = self.outbox.entry(seq)
            if entry is None:
                self.schedule.forget(seq)
            elif not self._send(entry):
                return

    def _send_fresh(self) -> None:
        room = IN_FLIGHT - len(self.schedule)
        if room <= 0:
            return
        for entry in self.outbox.entries_after(self._sent_through, room):
            if not self._send(entry):
                return
            self._sent_through = entry.seq

    def _send(self, entry: Entry) -> bool:
        sent = self.link.publish(topics.event(self.device_id, entry.stream), entry.payload, qos=1)
        if sent:
            self.schedule.sent(entry.seq, self.clock.seconds())
        return sent
