"""One camera of a chaos test as the test sees it from outside: its process, its outbox, its ledger."""

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.agent import AgentProcess
from tests.support.chaos_agent import Wish
from tests.support.chaos_truth import Ledger

BEGUN = b'"change": "new"'


@dataclass(frozen=True)
class Load:
    """What is decided: so many cameras, so many events a second of each, by chance from this seed.

    Impatient cameras say things again and come back sooner than those that ship: for tests of every day.
    """

    cameras: int
    events_per_s: float
    seed: str
    is_impatient: bool = False

    def wish(self, device_id: str, notes: Path) -> Wish:
        """What one camera is told."""
        patience = {"first_resend_s": 1.0, "longest_retry_s": 2.0} if self.is_impatient else {}
        return Wish(f"{self.seed} {device_id}", self.events_per_s, str(notes), **patience)


@dataclass
class Tally:
    """Counts a growing ledger's rows and begun events without reading it twice."""

    path: Path
    rows: int = 0
    events: int = 0
    _read_through: int = 0

    def read(self) -> Self:
        """Count what is new; a half-written last line is left for later."""
        if self.path.exists() and self.path.stat().st_size > self._read_through:
            with self.path.open("rb") as file:
                file.seek(self._read_through)
                whole, newline, _ = file.read().rpartition(b"\n")
            self._read_through += len(whole) + len(newline)
            self.rows += whole.count(b"\n") + len(newline)
            self.events += whole.count(BEGUN)
        return self


@dataclass
class ChaosCamera:
    """`kill` ends the process as a crash does and begins it again at once."""

    process: AgentProcess
    wish: Wish
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(self.process.ledger_file)

    def kill(self) -> None:
        self.process.kill()
        self.process.start()

    def ledger(self) -> Ledger:
        """Everything it has ever decided."""
        return Ledger.read(self.process.device_id, self.process.ledger_file)

    def waiting(self) -> int:
        """How many rows lie in its outbox; -1 when it cannot be read now."""
        return self._ask("SELECT count(*) FROM outbox")

    def newest(self) -> int:
        """The highest seq that was ever given."""
        return self._ask("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'")

    def confirmed_through(self) -> int:
        """The seq up to which every row has been confirmed."""
        return self._ask(
            "SELECT coalesce((SELECT min(seq) - 1 FROM outbox),"
            " (SELECT max(seq) FROM sqlite_sequence WHERE name = 'outbox'), 0)"
        )

    def _ask(self, question: str) -> int:
        file = self.process.home / "outbox.db"
        try:
            with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as outbox:
                return int(outbox.execute(question).fetchone()[0])
        except sqlite3.OperationalError:
            # Its tables are not there yet, or nobody has the file open and it cannot be read without writing.
            return -1
