"""Start, find, tell and stop the supervisor from outside; one start or stop at a time."""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.supervisor.identity import Identity
from deploy.supervisor.ports import Busy, busy_ports
from deploy.supervisor.process import adopt
from deploy.supervisor.records import PRIVATE_FILE, Record, State
from deploy.supervisor.site import SUPERVISOR, Site
from deploy.supervisor.stopping import INSIST_S, POLITE_S, stop_all
from deploy.supervisor.strays import marked_environment, strays
from fleet.home import make_private_folder

POLL_S = 0.1
LAST_LINES = 8
SHOWN_PORTS = 3
LOCK_PATIENCE_S = 120.0


class NotPossible(Exception):
    """A start or stop could not be done; the text says why and what to do, and `exit_code` goes to the shell."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Remains:
    """What a stop left behind; empty when all went well."""

    processes: tuple[str, ...]
    ports: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.processes or self.ports)


@contextlib.contextmanager
def one_at_a_time(site: Site, patience_s: float = LOCK_PATIENCE_S) -> Iterator[None]:
    """Hold the lock of starting and stopping; a second caller waits for the first."""
    make_private_folder(site.run_folder)
    descriptor = _open_lock(site.run_folder / "control.lock")
    try:
        if not _within(patience_s, lambda: _try_lock(descriptor)):
            raise NotPossible(f"another start or stop has been under way for {patience_s:.0f} s; look at it first")
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    """Open the lock file: for reading when it is there, so that `stop` works on a disk that became read-only."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT, PRIVATE_FILE)


def supervisor_of(site: Site) -> Identity | None:
    """Return the living supervisor of this site, if there is one."""
    record = site.own_record.load(SUPERVISOR)
    return record.identity if record and record.is_alive else None


def refuse_busy_ports(site: Site) -> None:
    """Raise NotPossible when somebody else holds a port that a wanted program needs."""
    ours = [record.identity.pid for record in site.records.living() if record.identity]
    addresses = [address for program in site.wanted() for address in program.addresses]
    busy = busy_ports(addresses, ours)
    if busy:
        told = "; ".join(str(one) for one in busy[:SHOWN_PORTS])
        more = f"; and {len(busy) - SHOWN_PORTS} more ports" if len(busy) > SHOWN_PORTS else ""
        raise NotPossible(f"{told}{more}. Stop it, or choose other ports (CAMFLEET_*_PORT)")


def launch_supervisor(site: Site) -> Identity:
    """Start the supervisor in a session of its own, so that it outlives this shell."""
    site.own_record.forget(SUPERVISOR)
    make_private_folder(site.log_folder)
    output = os.open(site.log_file(SUPERVISOR), os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    child = subprocess.Popen(
        site.daemon_argv,
        env=marked_environment(site.run_folder),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    os.close(output)
    _within(10.0, lambda: supervisor_of(site) or child.poll() is not None)
    found = supervisor_of(site)
    if found is None:
        raise NotPossible(f"the supervisor did not come up: {last_lines(site, SUPERVISOR)}")
    return found


def reconcile(site: Site) -> None:
    """Tell the supervisor to look again at what is wanted."""
    supervisor = supervisor_of(site)
    if supervisor:
        _signal(supervisor, signal.SIGHUP)


def await_healthy(site: Site, deadline_s: float) -> None:
    """Return when every wanted program is healthy; raise NotPossible naming what is not, with its last words."""
    names = [program.name for program in site.wanted()]
    if _within(deadline_s, lambda: not _unhealthy(site, names)):
        return
    failed = _unhealthy(site, names)
    words = "\n".join(f"--- {name}\n{last_lines(site, name)}" for name in failed)
    raise NotPossible(f"not healthy after {deadline_s:.0f} s: {', '.join(failed)}\n{words}")


def stop(site: Site) -> Remains:
    """Stop supervisor and programs, also those whose supervisor is dead, and say what is left."""
    addresses = [address for program in site.wanted() for address in program.addresses]
    before = {record.name for record in site.records.living()}
    supervisor = supervisor_of(site)
    if supervisor:
        _signal(supervisor, signal.SIGTERM)
        patience_s = (POLITE_S + INSIST_S) * (len(before) + 1)
        if not _within(patience_s, lambda: not supervisor.is_alive):
            _signal(supervisor, signal.SIGKILL)
    stop_all(site.records)
    found = _end_strays(site)
    _within(INSIST_S, lambda: not ((before or found) and busy_ports(addresses)))
    living = [record.name for record in site.records.living()]
    left = [f"pid {stray.pid}" for stray in strays(site.run_folder)]
    ports: list[Busy] = busy_ports(addresses) if before or found else []
    return Remains((*living, *left), tuple(str(busy) for busy in ports))


def _end_strays(site: Site) -> bool:
    """End what carries our mark without a record (somebody removed the run folder); say whether there was any."""
    found = strays(site.run_folder)
    for stray in found:
        _signal(stray, signal.SIGTERM)
    if not _within(POLITE_S, lambda: not strays(site.run_folder)):
        for stray in strays(site.run_folder):
            _signal(stray, signal.SIGKILL)
        _within(INSIST_S, lambda: not strays(site.run_folder))
    return bool(found)


def last_lines(site: Site, name: str) -> str:
    """Return the end of a program's log, for a person who has to see why it failed."""
    try:
        with site.log_file(name).open(errors="replace") as log:
            return "".join(deque(log, LAST_LINES)).rstrip() or "(its log is empty)"
    except FileNotFoundError:
        return "(it has no log: it was not started, because what it needs is not healthy)"


def _unhealthy(site: Site, names: list[str]) -> list[str]:
    records: dict[str, Record] = {record.name: record for record in site.records.all()}
    return [name for name in names if not _is_healthy(records.get(name))]


def _is_healthy(record: Record | None) -> bool:
    return record is not None and record.state is State.HEALTHY and record.is_alive


def _signal(identity: Identity, number: signal.Signals) -> None:
    process = adopt(identity)
    if process:
        process.send(number)
        process.close()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _within(seconds: float, is_so: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
