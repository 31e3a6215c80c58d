"""Have the broker and nginx read their files again, by the hook from settings or by SIGHUP to their pid file."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import psutil

from config_server.host_credentials import BROKER, NGINX
from fleet.settings import ServerSettings

HOOK_TIMEOUT_S = 30
READY_S = 2.0
READY_LOOK_S = 0.02


class ReloadFailed(Exception):
    """The files are in place, but their reader could not be told; the text says what to do."""


@dataclass(frozen=True)
class Reader:
    """Who reads the files: a command from settings, or a process named in a pid file."""

    name: str
    command: str
    process_name: str

    def reload(self, settings: ServerSettings) -> str | None:
        """Tell the reader; one line of what was done, None when it does not run."""
        if self.command:
            return self._run_hook()
        return self._signal(settings)

    def _run_hook(self) -> str:
        try:
            subprocess.run(shlex.split(self.command), check=True, capture_output=True, timeout=HOOK_TIMEOUT_S)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise ReloadFailed(f"the reload command of {self.name} failed: {error}") from error
        return f"reloaded {self.name} by its command"

    def _signal(self, settings: ServerSettings) -> str | None:
        path = settings.home.run / f"{self.name}.pid"
        try:
            pid = int(path.read_text())
            # The pid of a dead program may be another's by now.
            if psutil.Process(pid).name() != self.process_name:
                return None
            if not _is_ready_to_reload(pid):
                raise ReloadFailed(f"{self.name} (pid {pid}) is still starting; it is told again soon")
            os.kill(pid, signal.SIGHUP)
        except (FileNotFoundError, ValueError, ProcessLookupError, psutil.NoSuchProcess):
            return None
        except PermissionError as error:
            raise ReloadFailed(f"{self.name} (pid {pid}) may not be signalled: {error}") from error
        return f"reloaded {self.name} (pid {pid})"


def _is_ready_to_reload(pid: int) -> bool:
    """Wait a moment until the process catches SIGHUP: until then the signal would end it, as it ends any program.

    Mosquitto writes its pid file and reads its lists before it catches signals.
    """
    deadline = time.monotonic() + READY_S
    while not _catches(pid, signal.SIGHUP):
        if time.monotonic() > deadline:
            return False
        time.sleep(READY_LOOK_S)
    return True


def _catches(pid: int, number: signal.Signals) -> bool:
    """Say whether a process has a handler for a signal, by the mask that Linux tells of it."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def reload_changed(settings: ServerSettings, holders: Set[str]) -> list[str]:
    """Reload the broker, whose CRLs are always fresh, and nginx when it got a new certificate."""
    readers = [Reader(BROKER, settings.broker_reload_command, "mosquitto")]
    if NGINX in holders:
        readers.append(Reader(NGINX, settings.nginx_reload_command, "nginx"))
    lines = [reader.reload(settings) for reader in readers]
    return [line for line in lines if line]
