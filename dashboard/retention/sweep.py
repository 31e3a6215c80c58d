"""Take the oldest rows of one class away in batches so small that a writer who waits for one does not notice."""

import threading
from dataclasses import dataclass, field

from dashboard.retention.plan import Cut
from dashboard.store.retention import Removal

# A batch that held the lock for longer is followed by a smaller one.
HOLD_S = 0.015
BATCH_FIRST, BATCH_LEAST, BATCH_MOST = 100, 10, 500
# Between batches the lock is free for several times as long as it was held: SQLite's writers do not queue, they look.
PAUSE_SHARE, PAUSE_LEAST_S = 3.0, 0.005


@dataclass(frozen=True)
class Swept:
    """What one cut took, and the longest that it held the lock at once, in seconds."""

    deleted: int
    longest_hold_s: float


@dataclass
class Sweep:
    """Deletes what cuts name. It learns the size of its batches from how long they took."""

    removal: Removal
    stopping: threading.Event = field(default_factory=threading.Event)
    _batch: int = BATCH_FIRST

    def carry_out(self, cut: Cut) -> Swept:
        """Delete until nothing is left to the cut, or `stopping` is set."""
        deleted, longest, beyond = 0, 0.0, None
        while not self.stopping.is_set():
            wanted = self._batch if cut.most_rows is None else min(self._batch, cut.most_rows - deleted)
            if wanted <= 0:
                break
            doomed = self.removal.oldest(cut.kind, cut.before, wanted, beyond)
            beyond = doomed.last
            if doomed.rows:
                gone, held_s = self.removal.delete(cut.kind, doomed)
                deleted, longest = deleted + gone, max(longest, held_s)
                self._learn(doomed.rows, held_s)
            if doomed.is_last:
                break
        return Swept(deleted, longest)

    def _learn(self, rows: int, held_s: float) -> None:
        fitting = rows * HOLD_S / max(held_s, 1e-6)
        self._batch = int(max(BATCH_LEAST, min(BATCH_MOST, self._batch * 1.5, fitting)))
        self.stopping.wait(max(PAUSE_LEAST_S, held_s * PAUSE_SHARE))
