"""One program under the supervisor's eyes: launch it, notice its death, launch it again later."""

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.supervisor.backoff import Backoff
from deploy.supervisor.process import Process, ProgramNotStarted, adopt, end_group, spawn
from deploy.supervisor.program import Program
from deploy.supervisor.records import Exit, Record, Records, State
from fleet.logs import get_logger

COMMAND_NOT_FOUND = 127
log = get_logger(__name__)


def _new_backoff() -> Backoff:
    return Backoff(random.random)


@dataclass
class Watched:
    """A wanted program, its process if it has one, and when to try again if it has not."""

    program: Program
    record: Record
    records: Records
    process: Process | None = None
    clock: Callable[[], float] = time.monotonic
    _backoff: Backoff = field(default_factory=_new_backoff)
    _since: float = 0.0
    _healthy_since: float | None = None

    @property
    def is_healthy(self) -> bool:
        return self.record.state is State.HEALTHY

    @property
    def is_due(self) -> bool:
        return self.process is None and self.clock() >= self._since

    @property
    def seconds_until_due(self) -> float:
        return max(0.0, self._since - self.clock())

    def adopt(self) -> bool:
        """Take over the recorded process if it still runs; its health is asked anew."""
        self.process = adopt(self.record.identity) if self.record.identity else None
        if self.process:
            self._since = self.clock()
            self._note(state=State.STARTING)
        return self.process is not None

    def launch(self, log_file: Path) -> None:
        """Start the program, or plan another try when the system refuses."""
        try:
            self.process = spawn(self.program, log_file)
        except ProgramNotStarted as refusal:
            with contextlib.suppress(OSError), log_file.open("a") as program_log:
                program_log.write(f"supervisor: {refusal}\n")
            self._died(Exit(_now(), code=COMMAND_NOT_FOUND))
            return
        self._since = self.clock()
        self._note(identity=self.process.identity, state=State.STARTING, started_at=_now())

    def notice_death(self) -> Exit | None:
        """If the process has ended, clear its remains, plan the next start and say how it ended."""
        ended = self.process.exit_or_none() if self.process else None
        if self.process and ended:
            self.process.close()
            end_group(self.process.identity.pid)
            self.process = None
            self._died(ended)
        return ended

    def ask_health(self) -> bool:
        """Ask the program's probe; called from a worker thread, so it changes nothing here."""
        return self.program.probe.is_healthy(self.clock() - self._since)

    def become_healthy(self) -> None:
        self._healthy_since = self.clock()
        self._note(state=State.HEALTHY)

    def wait(self) -> None:
        self._note(state=State.WAITING)

    def _died(self, ended: Exit) -> None:
        healthy_for = 0.0 if self._healthy_since is None else self.clock() - self._healthy_since
        self._healthy_since = None
        self._since = self.clock() + self._backoff.next_pause(timedelta(seconds=healthy_for)).total_seconds()
        restarts = self.record.restarts + 1
        self._note(identity=None, state=State.BACKOFF, last_exit=ended, restarts=restarts)

    def _note(self, **changes: object) -> None:
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]
        try:
            self.records.save(self.record)
        except OSError as trouble:
            # A full disk must not end the supervisor: it goes on with what it remembers.
            log.error("record not written", name=self.program.name, why=trouble.strerror)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
