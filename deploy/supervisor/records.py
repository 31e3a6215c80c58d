"""Remember each program's process on disk, so that a later supervisor can find and adopt it."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from deploy.supervisor.identity import Identity

PRIVATE_FILE = 0o600


class State(StrEnum):
    """Where a program stands in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    HEALTHY = "healthy"
    BACKOFF = "backoff"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Exit:
    """How a process ended. Both fields are None for one that was adopted: only a parent learns the rest."""

    at: str
    code: int | None = None
    signal: str | None = None

    def __str__(self) -> str:
        if self.signal:
            return f"{self.signal} at {self.at}"
        return f"{'unknown exit' if self.code is None else f'exit {self.code}'} at {self.at}"


@dataclass(frozen=True)
class Record:
    """A program's process and its history under the supervisor."""

    name: str
    stage: int
    identity: Identity | None = None
    state: State = State.WAITING
    restarts: int = 0
    started_at: str | None = None
    last_exit: Exit | None = None
    addresses: tuple[str, ...] = field(default=())

    @property
    def is_alive(self) -> bool:
        return self.identity is not None and self.identity.is_alive


class Records:
    """The folder that holds one JSON file per program."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, record: Record) -> None:
        """Write the record by rename, so that a reader never sees half of it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._path(record.name)
        draft = target.with_suffix(".new")
        draft.touch(mode=PRIVATE_FILE)
        draft.write_text(json.dumps(asdict(record), indent=1))
        draft.replace(target)

    def load(self, name: str) -> Record | None:
        """Return what is known of `name`; an unreadable record counts as none."""
        try:
            return _from_json(json.loads(self._path(name).read_text()))
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def all(self) -> list[Record]:
        """Every record, the lowest stage first."""
        return sorted(self._each(), key=lambda record: (record.stage, record.name))

    def living(self) -> list[Record]:
        """The records whose very process still runs, the lowest stage first."""
        return [record for record in self.all() if record.is_alive]

    def forget(self, name: str) -> None:
        # A disk that takes nothing keeps the record; it then names a dead process and misleads nobody.
        with contextlib.suppress(OSError):
            self._path(name).unlink()

    def settle(self, record: Record) -> None:
        """Write down that a program has been stopped on purpose."""
        self.save(replace(record, identity=None, state=State.STOPPED))

    def _each(self) -> Iterator[Record]:
        for path in self._folder.glob("*.json"):
            record = self.load(path.stem)
            if record is not None:
                yield record

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _from_json(data: dict[str, Any]) -> Record:
    identity, last_exit = data.pop("identity"), data.pop("last_exit")
    return Record(
        **{**data, "state": State(data["state"]), "addresses": tuple(data["addresses"])},
        identity=Identity(**identity) if identity else None,
        last_exit=Exit(**last_exit) if last_exit else None,
    )
