"""Start, watch, signal and end one process, whether this supervisor is its parent or only its guardian."""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import psutil

from deploy.supervisor.identity import Identity, identify
from deploy.supervisor.program import Program
from deploy.supervisor.records import PRIVATE_FILE, Exit
from fleet.home import make_private_folder


class ProgramNotStarted(Exception):
    """The operating system refused to start a program."""


@dataclass
class Process:
    """A running program, held by a descriptor of the process itself so that its pid cannot be mistaken."""

    identity: Identity
    descriptor: int
    _child: subprocess.Popen[bytes] | None = None

    def exit_or_none(self) -> Exit | None:
        """Return how it ended, or None while it runs."""
        if not select.select([self.descriptor], [], [], 0)[0]:
            return None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        code = self._child.wait() if self._child else None
        if code is not None and code < 0:
            return Exit(now, signal=_signal_name(-code))
        return Exit(now, code=code)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; a process that has ended meanwhile is no error."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, number)

    def close(self) -> None:
        os.close(self.descriptor)


def spawn(program: Program, log_file: Path) -> Process:
    """Start the program in a session of its own, its output appended to `log_file`."""
    try:
        with _open_log(log_file) as output:
            child = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as refusal:
        raise ProgramNotStarted(f"{refusal.filename or program.argv[0]}: {refusal.strerror}") from refusal
    descriptor = os.pidfd_open(child.pid)
    # A child that has already ended is a zombie of ours: its pid is safe until `wait`.
    return Process(identify(child.pid) or Identity(child.pid, 0, ""), descriptor, child)


def _open_log(log_file: Path) -> BinaryIO:
    make_private_folder(log_file.parent)
    return os.fdopen(os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE), "ab")


def adopt(identity: Identity) -> Process | None:
    """Take over a process that another supervisor started, or return None when it is gone."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    # Compared after opening: from here on the descriptor means the process that was compared.
    if identity.is_alive:
        return Process(identity, descriptor)
    os.close(descriptor)
    return None


def end_group(leader_pid: int) -> list[int]:
    """Kill what a dead session leader left behind (workers that hold its port) and return their pids.

    The kernel gives no new process a pid that still names a group, so members can only be the leader's own.
    """
    members = list(_group_members(leader_pid))
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return members


def _group_members(leader_pid: int) -> Iterator[int]:
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid != leader_pid and os.getpgid(pid) == leader_pid and identify(pid) is not None:
                yield pid


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
