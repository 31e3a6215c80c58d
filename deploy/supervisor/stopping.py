"""Stop programs stage by stage: ask politely, wait, insist, and see that nothing is left."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from deploy.supervisor.process import Process, adopt, end_group
from deploy.supervisor.records import Record, Records

POLITE_S = 10.0
INSIST_S = 5.0


@dataclass(frozen=True)
class Stopped:
    """How one program went: `forced` when it had to be killed."""

    name: str
    forced: bool


def stop_all(records: Records) -> list[Stopped]:
    """Stop every living program, the highest stage first, those of one stage together."""
    living = sorted(records.living(), key=_stage, reverse=True)
    stages = [list(members) for _, members in groupby(living, key=_stage)]
    return [stopped for members in stages for stopped in stop_together(members, records)]


def stop_together(wanted: list[Record], records: Records) -> list[Stopped]:
    """Stop these programs and what they leave behind, and write down that it was meant."""
    held = [(record, adopt(record.identity) if record.identity else None) for record in wanted]
    processes = [process for _, process in held if process]
    for process in processes:
        process.send(signal.SIGTERM)
    deaf = _still_running(processes, POLITE_S)
    for process in deaf:
        process.send(signal.SIGKILL)
    _still_running(deaf, INSIST_S)
    for process in processes:
        _await_group(end_group(process.identity.pid))
        process.close()
    for record in wanted:
        # A disk that takes nothing must not keep the rest running; a record of a dead process misleads nobody.
        with contextlib.suppress(OSError):
            records.settle(record)
    return [Stopped(record.name, forced=process in deaf) for record, process in held]


def _stage(record: Record) -> int:
    return record.stage


def _still_running(processes: list[Process], patience_s: float) -> list[Process]:
    deadline = time.monotonic() + patience_s
    return [process for process in processes if not _ends_within(process.descriptor, deadline - time.monotonic())]


def _await_group(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            _ends_within(descriptor, INSIST_S)
            os.close(descriptor)


def _ends_within(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
