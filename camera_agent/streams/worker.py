"""One stream's thread: open, process, hand events over; come back after every failure, harm no other stream."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from camera_agent.capture.clock import Clock, WallClock
from camera_agent.capture.source import Source, SourceFailed
from camera_agent.delivery.outbox import OutboxUnwritable
from camera_agent.events import Decision
from camera_agent.pipeline import StreamPipeline
from camera_agent.streams.backoff import Backoff
from camera_agent.streams.figures import StreamFigures
from camera_agent.streams.status import StatusBoard
from fleet.logs import get_logger
from fleet.messages import Reason, StreamInfo

UNWRITABLE_RETRY_S = 1.0

log = get_logger(__name__)

Keep = Callable[[str, Sequence[Decision]], None]
"""Keeps a stream's decisions on disk; raises OutboxUnwritable."""


@dataclass(frozen=True, slots=True)
class _Ending:
    reason: Reason
    detail: str
    final: bool = False


@dataclass
class StreamWorker:
    """`new_source` and `new_pipeline` are called for each attempt, so nothing broken is carried over."""

    name: str
    new_source: Callable[[], Source]
    new_pipeline: Callable[[], StreamPipeline]
    keep: Keep
    board: StatusBoard
    clock: Clock = field(default_factory=WallClock)
    backoff: Backoff = field(default_factory=lambda: Backoff(random.random))
    _figures: StreamFigures = field(default_factory=StreamFigures)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _source: Source | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"stream-{self.name}", daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Begin to stop; `stop` waits for it."""
        self._stopping.set()

    def stop(self, timeout_s: float) -> None:
        """End after the frame at hand, its events and the ends of all open ones handed over."""
        self._stopping.set()
        if self._thread is None:
            return
        self._thread.join(timeout_s / 4)
        source = self._source
        if self._thread.is_alive() and source is not None:
            # It waits for a picture that may never come.
            source.close()
        self._thread.join(timeout_s * 3 / 4)
        if self._thread.is_alive():
            log.warning("stream did not stop in time", stream=self.name)

    def _run(self) -> None:
        while not self._stopping.is_set():
            ending = self._attempt()
            if self._stopping.is_set():
                return
            self.board.go_offline(self.name, ending.reason, ending.detail, self.clock.now())
            if ending.final:
                return
            self.clock.wait(self.backoff.next_s(), self._stopping)

    def _attempt(self) -> _Ending:
        try:
            source = self._source = self.new_source()
            try:
                source.open()
                return self._follow(source)
            finally:
                self._source = None
                source.close()
        except SourceFailed as failure:
            log.debug("source failed", stream=self.name, reason=failure.reason, detail=failure.detail)
            return _Ending(failure.reason, failure.detail)
        except Exception as error:
            # The top of the stream's thread: a defect met by one stream must not stop it for good, nor any other.
            log.exception("stream failed; it starts over", stream=self.name)
            return _Ending(Reason.FAILED, f"{type(error).__name__}: {error}")

    def _follow(self, source: Source) -> _Ending:
        pipeline = self.new_pipeline()
        info = StreamInfo(name=self.name, kind=source.kind, width=source.width, height=source.height, fps=source.fps)
        self._figures.reopened()
        try:
            for frame in source.frames():
                began_s = self.clock.seconds()
                if pipeline.was_set_back(frame):
                    # Else time would stand still until the clock had caught up, perhaps in years.
                    log.warning("the clock was set back; what is open is ended and begins anew", stream=self.name)
                    self._hand_over(pipeline.finish())
                    pipeline = self.new_pipeline()
                processed = pipeline.process(frame)
                self._hand_over(processed.events)
                self._note_frame(info, source, began_s)
                if self._stopping.is_set():
                    break
        finally:
            self._hand_over(pipeline.finish())
        return _Ending(Reason.ENDED, "the source has ended", final=True)

    def _note_frame(self, info: StreamInfo, source: Source, began_s: float) -> None:
        now_s = self.clock.seconds()
        self._figures.count(now_s, now_s - began_s, source.dropped)
        self.board.measure(self.name, self._figures.health(now_s))
        # A source is online when a picture came, not when it could be opened.
        self.board.go_online(info, self.clock.now())
        self.backoff.reset()

    def _hand_over(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions, however long the disk refuses: meanwhile frames are dropped, never events."""
        troubled = False
        while decisions:
            try:
                self.keep(self.name, decisions)
            except OutboxUnwritable as error:
                if not troubled:
                    log.error("events cannot be kept, frames are dropped until they can", error=str(error))
                    self.board.go_offline(self.name, Reason.DISK, str(error), self.clock.now())
                troubled = True
                self.clock.wait(UNWRITABLE_RETRY_S, self._stopping)
                if self._stopping.is_set():
                    self._give_up(decisions)
                    return
            else:
                if troubled:
                    log.info("events are kept again", stream=self.name)
                return

    def _give_up(self, decisions: Sequence[Decision]) -> None:
        try:
            self.keep(self.name, decisions)
        except OutboxUnwritable as error:
            log.error("stopped while the disk took nothing: events are lost", lost=len(decisions), error=str(error))
