"""Tell one process from a later one that got the same pid."""

from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STATE_FIELD, START_FIELD = 0, 19
GONE_STATES = ("Z", "X", "x")


@dataclass(frozen=True)
class Identity:
    """A pid together with when it began.

    The beginning is in clock ticks since boot, and the boot is named, because a wall clock that is set while
    a program runs would make every living program look like a stranger.
    """

    pid: int
    start_ticks: int
    boot_id: str

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return identify(self.pid) == self


def identify(pid: int) -> Identity | None:
    """Return who runs under `pid` now, or None when nobody does."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    if fields[STATE_FIELD] in GONE_STATES:
        return None
    return Identity(pid, int(fields[START_FIELD]), BOOT_ID.read_text().strip())
