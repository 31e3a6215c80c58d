"""When Python looks for cycles of garbage: seldom, for everything else waits meanwhile."""

import gc

# Objects made and not yet freed. A look at so many takes some 25 ms; at five times as many, a writer would notice.
COLLECT_AFTER = 20_000


def collect_rarely() -> None:
    """Leave out what is there now, and look seldom: batches make no cycles, and thousands of objects a second.

    A look at all that a program's imports left takes up to a tenth of a second, and may fall where a lock is held.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
