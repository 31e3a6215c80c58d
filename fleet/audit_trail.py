"""Check and trim the audit trails of a host's programs; each program offers its own by an entry point."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from typing import Protocol

from fleet.audit_chain import ChainedRow, Checkpoint, Verdict, check, sign_checkpoint
from fleet.home import Home, write_file
from fleet.pki import new_key, public_key_of
from fleet.settings import ServerSettings

TRAILS = "camfleet.audits"


class TrailUnusable(Exception):
    """A program's trail cannot be read; the text says what to do."""


class NothingToCut(Exception):
    """No row is that old."""


class Trail(Protocol):
    """A program's audit rows within one transaction."""

    def rows(self) -> Iterator[ChainedRow]: ...

    def checkpoints(self) -> Sequence[Checkpoint]: ...

    def last_before(self, limit: datetime) -> ChainedRow | None: ...

    def cut_front(self, checkpoint: Checkpoint) -> int: ...


class OpenTrail(Protocol):
    """How a program opens its trail."""

    def __call__(self, settings: ServerSettings, *, writing: bool) -> AbstractContextManager[Trail]: ...


@dataclass(frozen=True)
class ProgramTrail:
    """The trail of one program, `config` or `events`, and the key that signs what retention cuts."""

    program: str
    open_trail: OpenTrail
    settings: ServerSettings

    def verify(self) -> Verdict:
        """Follow the whole chain."""
        with self.open_trail(self.settings, writing=False) as trail:
            return check(trail.rows(), trail.checkpoints(), self._public_key())

    def trim(self, keep: timedelta, now: datetime) -> int:
        """Cut what is older than `keep` from the front, leaving a signed checkpoint; returns how many rows went."""
        key = _key(self.settings.home, self.program)
        with self.open_trail(self.settings, writing=True) as trail:
            last = trail.last_before(now - keep)
            if last is None or last.hash is None:
                raise NothingToCut(f"no chained row of {self.program} is older than {keep.days} days")
            return trail.cut_front(sign_checkpoint(key, last, now))

    def _public_key(self) -> bytes:
        file = self.settings.home.secret(_key_name(self.program))
        return public_key_of(file.read_bytes()) if file.exists() else b""


def trails(settings: ServerSettings, program: str | None = None) -> list[ProgramTrail]:
    """The trails of every installed program, or of the one that is named."""
    points = sorted(entry_points(group=TRAILS), key=lambda point: point.name)
    return [ProgramTrail(point.name, point.load(), settings) for point in points if program in (None, point.name)]


def _key(home: Home, program: str) -> bytes:
    file = home.secret(_key_name(program))
    if not file.exists():
        write_file(file, new_key())
    return file.read_bytes()


def _key_name(program: str) -> str:
    return f"audit-{program}.key"
