"""Holds what the cameras wrote on the side against what the servers stored: event by event, field by field."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from dashboard.store.database import Database
from dashboard.store.payload import whole
from dashboard.store.tables import events, quarantine
from fleet.messages import Event

Row = dict[str, Any]
Key = tuple[str, str]
NOT_STORED = {"v"}


@dataclass
class Ledger:
    """One camera's ledger: rows in the order of their writing, and the newest of each event."""

    device_id: str
    rows: list[Row]

    @classmethod
    def read(cls, device_id: str, path: Path) -> "Ledger":
        """Read a ledger's whole lines; one that is being written is left out."""
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return cls(device_id, [json.loads(line) for line in lines])

    def newest(self) -> dict[Key, Row]:
        """Return the row of the highest revision of each event."""
        newest: dict[Key, Row] = {}
        for row in self.rows:
            key = (self.device_id, row["event_id"])
            if key not in newest or row["rev"] > newest[key]["rev"]:
                newest[key] = row
        return newest

    def faults(self) -> list[str]:
        """Say where the ledger itself cannot be the whole truth: a hole in seq or rev, or something dropped."""
        return [*self._holes(), *self._gaps()]

    def lacks(self, diary: Path) -> list[str]:
        """Return lines of a diary of what the outbox had said to keep which the ledger does not hold."""
        held = {f"{row['event_id']} {row['rev']}" for row in self.rows}
        kept = diary.read_text().split("\n")[:-1] if diary.exists() else []
        return [line for line in kept if line not in held]

    def _holes(self) -> Iterator[str]:
        seqs = [(row["outbox"], row["seq"]) for row in self.rows]
        revisions = [(row["event_id"], row["rev"]) for row in self.rows]
        for what, numbers in (("seq", seqs), ("rev", revisions)):
            highest: Counter[str] = Counter()
            for of, number in numbers:
                highest[of] = max(highest[of], number)
            if len(numbers) != len(set(numbers)) or len(numbers) != highest.total():
                yield f"{self.device_id}: the ledger's {what} has holes or repeats"

    def _gaps(self) -> Iterator[str]:
        dropped = sum(row["change"] == "gap" for row in self.rows)
        if dropped:
            yield f"{self.device_id}: its outbox was full {dropped} times"


@dataclass
class Verdict:
    """What is wrong; all empty when the store holds exactly what was decided."""

    lost: list[Key] = field(default_factory=list)
    twice: list[Key] = field(default_factory=list)
    stale: list[Key] = field(default_factory=list)
    invented: list[Key] = field(default_factory=list)
    altered: dict[Key, list[str]] = field(default_factory=dict)
    quarantined: int = 0
    ledgers: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = {name: len(value) if hasattr(value, "__len__") else value for name, value in vars(self).items()}
        first = {name: list(value)[:3] for name, value in vars(self).items() if isinstance(value, list | dict)}
        return f"{counts}; the first of each: {first}; altered: {list(self.altered.items())[:3]}"


def judge(ledgers: Iterable[Ledger], stored: Iterable[Row]) -> Verdict:
    """Compare every event's newest ledger row with its stored row."""
    decided: dict[Key, Row] = {}
    verdict = Verdict()
    for ledger in ledgers:
        decided |= ledger.newest()
        verdict.ledgers += ledger.faults()
    rows: dict[Key, Row] = {}
    for row in stored:
        key = (row["device_id"], row["event_id"])
        if key in rows:
            verdict.twice.append(key)
        rows[key] = row
    verdict.lost = sorted(decided.keys() - rows.keys())
    verdict.invented = sorted(rows.keys() - decided.keys())
    for key in decided.keys() & rows.keys():
        if rows[key]["rev"] < decided[key]["rev"]:
            verdict.stale.append(key)
        elif wrong := _differences(decided[key], rows[key]):
            verdict.altered[key] = wrong
    return verdict


def stored_events(database: Database) -> list[Row]:
    """Return every row of the events: what their payloads say, and the payloads themselves."""
    with database.reading() as connection:
        found = connection.execute(select(events)).mappings()
        return [{**whole(row), "payload": row["payload"]} for row in found]


def quarantined(database: Database) -> int:
    """Return how many payloads could not be read."""
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(quarantine)).scalar_one()


def _differences(said: Row, row: Row) -> list[str]:
    wanted = _fields(said)
    return [f"{name}: {value!r} → {row[name]!r}" for name, value in wanted.items() if _plain(row[name]) != value]


def _fields(said: Row) -> Row:
    """Return everything that the wire carries, also as it is written there, and the stream, which its topic carries."""
    event = Event.model_validate({name: value for name, value in said.items() if name != "stream"})
    fields = {name: _plain(getattr(event, name)) for name in Event.model_fields if name not in NOT_STORED}
    return {**fields, "stream": said["stream"], "payload": event.encode().decode()}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
