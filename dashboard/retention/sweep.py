"""Take the oldest rows of one class away in batches so small that a writer who waits for one does not notice."""

import threading
from dataclasses import dataclass, field

from dashboard.retention.plan import Cut
from dashboard.store.retention import Removal

# A batch that held the lock for longer is followed by a smaller one; one of the least size is mostly its own commit.
HOLD_S = 0.02
BATCH_FIRST, BATCH_LEAST, BATCH_MOST = 50, 50, 1_000
# Between batches the lock is free for several times as long as it was held: SQLite's writers do not queue, they look.
PAUSE_SHARE, PAUSE_SHARE_UNLOCKED, PAUSE_LEAST_S = 3.0, 0.5, 0.005


@dataclass(frozen=True)
class Swept:
    """What one cut took, and the longest that it held the lock at once, in seconds."""

    deleted: int
    longest_hold_s: float


@dataclass
class Sweep:
    """Deletes what cuts name. It learns the size of its batches from how long they took, for each cut anew.

    A row of telemetry goes much faster than one of events, which is in more indexes.
    """

    removal: Removal
    stopping: threading.Event = field(default_factory=threading.Event)
    first_batch: int = BATCH_FIRST

    def carry_out(self, cut: Cut) -> Swept:
        """Delete until nothing is left to the cut, or `stopping` is set."""
        deleted, longest, beyond, batch = 0, 0.0, None, self.first_batch
        while not self.stopping.is_set():
            wanted = batch if cut.most_rows is None else min(batch, cut.most_rows - deleted)
            if wanted <= 0:
                break
            doomed = self.removal.oldest(cut.kind, cut.before, wanted, beyond)
            beyond = doomed.last
            if doomed.rows:
                self.removal.fetch(cut.kind, doomed)
                gone, held_s = self.removal.delete(cut.kind, doomed)
                deleted, longest = deleted + gone, max(longest, held_s)
                batch = fitting(batch, doomed.rows, held_s)
                self.stopping.wait(self._pause_s(held_s))
            if doomed.is_last:
                break
        return Swept(deleted, longest)

    def _pause_s(self, held_s: float) -> float:
        share = PAUSE_SHARE if self.removal.is_in_the_way else PAUSE_SHARE_UNLOCKED
        return max(PAUSE_LEAST_S, held_s * share)


def fitting(batch: int, rows: int, held_s: float) -> int:
    """Return the size of the next batch after one of so many rows held the lock for so long: it grows slowly."""
    fits = rows * HOLD_S / max(held_s, 1e-6)
    return int(max(BATCH_LEAST, min(BATCH_MOST, batch * 1.5, fits)))
