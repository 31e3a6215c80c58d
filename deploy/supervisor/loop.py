"""The supervisor itself: one thread that starts what is due, watches what runs and restarts what died."""

import os
import select
import signal
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import FrameType

from deploy.supervisor.identity import identify
from deploy.supervisor.program import Program
from deploy.supervisor.records import Record, State
from deploy.supervisor.site import SUPERVISOR, Site
from deploy.supervisor.stopping import stop_all, stop_together
from deploy.supervisor.watched import Watched
from fleet.logs import get_logger

PROBE_EVERY_S = 0.2
LONGEST_WAIT_S = 5.0
log = get_logger(__name__)


@dataclass
class Supervisor:
    """Keeps the wanted programs of a site running until SIGTERM; SIGHUP makes it ask again what is wanted."""

    site: Site
    _watched: dict[str, Watched] = field(default_factory=dict)
    _asked: dict[str, Future[bool]] = field(default_factory=dict)
    _stopping: bool = False
    _reconcile_due: bool = True

    def run(self) -> None:
        """Supervise until told to stop, then stop everything in reverse order."""
        wake = _wakeup_on_signals(self._on_signal)
        self._record_self()
        with ThreadPoolExecutor(4, thread_name_prefix="probe") as probes:
            while not self._stopping:
                self._step(probes)
                self._sleep(wake)
        for stopped in stop_all(self.site.records):
            log.info("stopped", name=stopped.name, forced=stopped.forced)
        self.site.own_record.forget(SUPERVISOR)

    def _step(self, probes: ThreadPoolExecutor) -> None:
        if self._reconcile_due:
            self._reconcile_due = False
            self._reconcile(self.site.wanted())
        for watched in self._watched.values():
            self._notice_death(watched)
            self._launch_if_ready(watched)
        self._collect_answers()
        self._ask(probes)

    def _reconcile(self, programs: list[Program]) -> None:
        wanted = {program.name for program in programs}
        for record in self.site.records.all():
            if record.name not in wanted:
                log.info("no longer wanted", name=record.name)
                stop_together([record], self.site.records)
                self.site.records.forget(record.name)
                self._watched.pop(record.name, None)
        for program in programs:
            if program.name not in self._watched:
                self._watched[program.name] = self._watch(program)

    def _watch(self, program: Program) -> Watched:
        records = self.site.records
        known = records.load(program.name)
        addresses = tuple(str(address) for address in program.addresses)
        fresh = Record(program.name, program.stage, addresses=addresses)
        watched = Watched(program, known if known and known.is_alive else fresh, records)
        if watched.adopt():
            log.info("adopted", name=program.name, identity=watched.record.identity)
        else:
            watched.wait()
        return watched

    def _notice_death(self, watched: Watched) -> None:
        ended = watched.notice_death()
        if ended:
            self._asked.pop(watched.program.name, None)
            pause_s = round(watched.seconds_until_due, 1)
            log.warning("died", name=watched.program.name, how=str(ended), next_try_in_s=pause_s)

    def _launch_if_ready(self, watched: Watched) -> None:
        if watched.is_due and all(self._is_healthy(need) for need in watched.program.needs):
            watched.launch(self.site.log_file(watched.program.name))
            if watched.process:
                log.info("started", name=watched.program.name, pid=watched.process.identity.pid)

    def _is_healthy(self, name: str) -> bool:
        watched = self._watched.get(name)
        return watched is not None and watched.is_healthy

    def _collect_answers(self) -> None:
        for name, answer in list(self._asked.items()):
            if answer.done():
                del self._asked[name]
                watched = self._watched.get(name)
                if answer.result() and watched and watched.process:
                    watched.become_healthy()
                    log.info("healthy", name=name)

    def _ask(self, probes: ThreadPoolExecutor) -> None:
        for name, watched in self._watched.items():
            if watched.record.state is State.STARTING and name not in self._asked:
                self._asked[name] = probes.submit(watched.ask_health)

    def _sleep(self, wake: socket.socket) -> None:
        living = [watched.process.descriptor for watched in self._watched.values() if watched.process]
        if select.select([wake.fileno(), *living], [], [], self._pause_s())[0]:
            _drain(wake)

    def _pause_s(self) -> float:
        if any(watched.record.state is State.STARTING for watched in self._watched.values()):
            return PROBE_EVERY_S
        waits = [watched.seconds_until_due for watched in self._watched.values() if watched.process is None]
        return min([max(PROBE_EVERY_S, wait) for wait in waits], default=LONGEST_WAIT_S)

    def _record_self(self) -> None:
        own = Record(SUPERVISOR, stage=0, identity=identify(os.getpid()), state=State.HEALTHY)
        self.site.own_record.save(own)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reconcile_due = True
        else:
            self._stopping = True


def _wakeup_on_signals(handler: "signal._HANDLER") -> socket.socket:
    """Install the handler and return a socket that becomes readable when a signal came."""
    wake, alarm = socket.socketpair()
    wake.setblocking(False)
    alarm.setblocking(False)
    signal.set_wakeup_fd(alarm.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handler)
    return wake


def _drain(wake: socket.socket) -> None:
    try:
        wake.recv(4096)
    except BlockingIOError:
        return
