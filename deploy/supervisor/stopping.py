"""Stop programs in reverse order: ask politely, wait, insist, and see that nothing is left."""

import contextlib
import os
import select
import signal
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.supervisor.process import adopt, end_group
from deploy.supervisor.records import Record, Records

POLITE_S = 10.0
INSIST_S = 5.0


@dataclass(frozen=True)
class Stopped:
    """How one program went: `forced` when it had to be killed."""

    name: str
    forced: bool


def stop_all(records: Records) -> list[Stopped]:
    """Stop every living program, the last started first."""
    return [stop_one(record, records) for record in reversed(records.living())]


def stop_one(record: Record, records: Records) -> Stopped:
    """Stop one program and what it leaves behind, and write down that it was meant."""
    process = adopt(record.identity) if record.identity else None
    forced = False
    if process:
        process.send(signal.SIGTERM)
        if not _ends_within(process.descriptor, POLITE_S):
            forced = True
            process.send(signal.SIGKILL)
            _ends_within(process.descriptor, INSIST_S)
        process.close()
        _await_group(end_group(process.identity.pid))
    records.settle(record)
    return Stopped(record.name, forced)


def _await_group(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            _ends_within(descriptor, INSIST_S)
            os.close(descriptor)


def _ends_within(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])
