"""What runs, what does not, and how it has been going: a table for people, JSON for scripts, an exit code for both."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from deploy.supervisor.control import supervisor_of
from deploy.supervisor.program import Program
from deploy.supervisor.records import Record, State
from deploy.supervisor.site import Site
from deploy.supervisor.strays import strays

ALL_HEALTHY, DEGRADED, NOT_RUNNING = 0, 1, 3
LONG_AGO_S = 1e9


@dataclass(frozen=True)
class Row:
    """One program as a person wants to see it."""

    name: str
    state: str
    pid: int | None
    up_s: int | None
    restarts: int
    last_exit: str | None
    listens: tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """The whole host: `exit_code` is 0 all healthy, 1 something is not, 3 nothing runs."""

    supervisor_pid: int | None
    rows: tuple[Row, ...]
    strays: int = 0

    @property
    def exit_code(self) -> int:
        if self.supervisor_pid is None and not self.living and not self.strays:
            return NOT_RUNNING
        healthy = self.supervisor_pid is not None and all(row.state == State.HEALTHY for row in self.rows)
        return ALL_HEALTHY if healthy else DEGRADED

    @property
    def living(self) -> int:
        """How many programs have a process."""
        return sum(row.pid is not None for row in self.rows)

    @property
    def headline(self) -> str:
        if self.supervisor_pid is not None:
            return f"supervisor: running, pid {self.supervisor_pid}"
        if self.living:
            return (
                f"supervisor is not running; {self.living} programs live on; "
                "run ./managed_start.sh start to adopt them"
            )
        if self.strays:
            return f"{self.strays} processes of this home run without a record; run ./managed_start.sh stop"
        return "not running; start it with ./managed_start.sh start"


def read_status(site: Site) -> Status:
    """Look at every wanted program now: its process by identity, its health by its own probe."""
    supervisor = supervisor_of(site)
    programs = site.wanted()
    with ThreadPoolExecutor(max(1, len(programs)), thread_name_prefix="status") as pool:
        rows = tuple(pool.map(lambda program: _row(program, site.records.load(program.name)), programs))
    unknown = 0 if supervisor else len(strays(site.run_folder))
    return Status(supervisor.pid if supervisor else None, rows, unknown)


def as_table(status: Status) -> str:
    """Return the status for people."""
    lines = [status.headline]
    if status.supervisor_pid is not None or status.living:
        head = ("program", "state", "pid", "up", "restarts", "last exit", "listens")
        lines += _columns([head, *(_cells(row) for row in status.rows)])
    return "\n".join(lines)


def as_json(status: Status) -> str:
    """Return the status for scripts."""
    rows = [asdict(row) for row in status.rows]
    return json.dumps({"supervisor_pid": status.supervisor_pid, "programs": rows, "exit": status.exit_code})


def _row(program: Program, record: Record | None) -> Row:
    listens = tuple(str(address) for address in program.addresses)
    if record is None:
        return Row(program.name, State.STOPPED, None, None, 0, None, listens)
    return Row(
        name=program.name,
        state=_state(program, record),
        pid=record.identity.pid if record.identity and record.is_alive else None,
        up_s=_up_s(record),
        restarts=record.restarts,
        last_exit=str(record.last_exit) if record.last_exit else None,
        listens=listens,
    )


def _state(program: Program, record: Record) -> str:
    if not record.is_alive:
        return "dead" if record.state in (State.HEALTHY, State.STARTING) else record.state
    if record.state is State.HEALTHY and not program.probe.is_healthy(LONG_AGO_S):
        return "unhealthy"
    return record.state


def _up_s(record: Record) -> int | None:
    if not record.is_alive or record.started_at is None:
        return None
    return max(0, int((datetime.now(UTC) - datetime.fromisoformat(record.started_at)).total_seconds()))


def _cells(row: Row) -> tuple[str, ...]:
    up = "-" if row.up_s is None else _duration(row.up_s)
    pid = "-" if row.pid is None else str(row.pid)
    return (row.name, row.state, pid, up, str(row.restarts), row.last_exit or "-", " ".join(row.listens) or "-")


def _columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    table = list(rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 7200:
        return f"{seconds // 60}m"
    return f"{seconds // 3600}h" if seconds < 172800 else f"{seconds // 86400}d"
