"""The running agent: the one place where its parts are made, joined, started in order and stopped in reverse."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from camera_agent.capture.clock import WallClock
from camera_agent.connection import hear_receipts, new_session
from camera_agent.delivery.outbox import Outbox, OutboxUnwritable
from camera_agent.delivery.publisher import Publisher
from camera_agent.events import Decision
from camera_agent.home import AgentHome
from camera_agent.house import House
from camera_agent.renewal.building import new_renewer
from camera_agent.reporting import Introduction, Reporter, will_of
from camera_agent.settings import AgentSettings
from camera_agent.state_file import StateFile
from camera_agent.streams.building import worker_for
from camera_agent.streams.status import StatusBoard
from camera_agent.vision.model import Model
from fleet.logs import get_logger

STATE_EVERY_S = 2.0
STREAMS_STOP_S = 4.0
FLUSH_S = 2.0
GOODBYE_S = 2.0
CLOCK = WallClock()

log = get_logger(__name__)


@dataclass(frozen=True)
class Parts:
    """What an agent is made of, opened and checked by the caller."""

    settings: AgentSettings
    home: AgentHome
    who: Introduction
    outbox: Outbox
    model: Model


class Agent:
    """`run` lives until `stopping` is set, then says goodbye; a broken stream or link is mended meanwhile."""

    def __init__(self, parts: Parts) -> None:
        self._settings, self._home, self._outbox = parts.settings, parts.home, parts.outbox
        self._board = StatusBoard()
        will = will_of(parts.settings.device_id, parts.outbox.session, CLOCK.now())
        self._session = new_session(parts.settings, parts.home, will, self._connected)
        self._reporter = Reporter(parts.who, self._board, self._session, CLOCK.now)
        self._renewer = new_renewer(parts.settings, parts.home, self._session, self._reporter.certificate_renewed)
        self._publisher = Publisher(
            parts.settings.device_id,
            parts.outbox,
            self._session,
            self._reporter.announce,
            backfill_rate=parts.settings.backfill_rate,
        )
        self._workers = [
            worker_for(name, wanted, parts.model, self._keep, self._board)
            for name, wanted in parts.settings.streams.items()
        ]
        self._house = House(parts.home.path)
        self._state = StateFile(parts.home.state)

    def run(self, stopping: threading.Event) -> None:
        self._start()
        # The first one soon, when the link is likely up, so that a new camera does not stay blank.
        next_health_s = CLOCK.seconds() + min(STATE_EVERY_S, self._settings.health_interval_s)
        while not stopping.is_set():
            if CLOCK.seconds() >= next_health_s:
                next_health_s = CLOCK.seconds() + self._settings.health_interval_s
                self._say_health()
            self._write_state()
            self._say_damage()
            stopping.wait(min(STATE_EVERY_S, self._settings.health_interval_s))
        self._stop()

    def _start(self) -> None:
        self._outbox.end_abandoned(CLOCK.now())
        self._say_damage()
        self._board.on_change(self._reporter.say_stream_and_shape)
        hear_receipts(self._session, self._settings.device_id, self._publisher.take_receipt)
        self._publisher.start()
        self._session.start()
        self._renewer.start()
        for worker in self._workers:
            worker.start()
        log.info("agent started", device_id=self._settings.device_id, session=self._outbox.session)

    def _stop(self) -> None:
        log.info("agent stopping", device_id=self._settings.device_id)
        self._renewer.stop()
        for worker in self._workers:
            worker.ask_to_stop()
        for worker in self._workers:
            worker.stop(STREAMS_STOP_S)
        self._reporter.say_stopping()
        self._publisher.stop(FLUSH_S)
        self._wait_for_goodbye()
        self._session.stop()
        self._write_state()

    def _wait_for_goodbye(self) -> None:
        deadline_s = CLOCK.seconds() + GOODBYE_S
        while self._session.is_connected and self._session.pending and CLOCK.seconds() < deadline_s:
            threading.Event().wait(0.02)

    def _connected(self) -> None:
        self._publisher.reconnected()

    def _keep(self, stream: str, decisions: Sequence[Decision]) -> None:
        if self._outbox.append(stream, decisions, CLOCK.now()):
            self._publisher.wake()

    def _say_damage(self) -> None:
        # While the disk takes nothing it waits: what it says is remembered on the disk as well.
        with suppress(OutboxUnwritable):
            if self._outbox.say_damage(self._settings.streams, CLOCK.now()):
                self._publisher.wake()

    def _say_health(self) -> None:
        depth = self._outbox.depth()
        self._reporter.say_health(self._house.read(), depth, self._publisher.clock_offset.seconds)

    def _write_state(self) -> None:
        depth = self._outbox.depth()
        streams = {name: report.state.value for name, report in self._board.reports().items()}
        self._state.write(
            {
                "device_id": self._settings.device_id,
                "connected": self._session.is_connected,
                "session": self._outbox.session,
                "updated_at": CLOCK.now().isoformat(),
                "streams": streams,
                "outbox_depth": depth.rows,
                **self._renewer.report(),
            }
        )
