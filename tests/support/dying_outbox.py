"""An outbox at work in a process that is killed: every word that it gives is on the pipe before the next step."""

import contextlib
import multiprocessing
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from camera_agent.delivery.outbox import Outbox
from tests.unit.camera_agent.tracks import decision

MOST_AT_ONCE = 8
# Forked off a process of their own that has one thread, and everything imported: hundreds of lives in seconds.
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(["tests.support.dying_outbox"])


@dataclass
class Life:
    """What one life of an outbox had said when it was killed; `settled` may not all have been done."""

    outbox: str
    session: int
    kept: set[int] = field(default_factory=set)
    settled: set[int] = field(default_factory=set)


def die_at_work(path: Path, seed: int, after_s: float) -> Life:
    """Let an outbox append and settle in a child, kill that with -9, and return what it had said until then."""
    hearing, saying = CHILDREN.Pipe(duplex=False)
    child = CHILDREN.Process(target=_work, args=(path, seed, saying), daemon=True)
    child.start()
    saying.close()
    life = Life(*hearing.recv())
    time.sleep(after_s)  # not for timing's sake: the moment of death is what is varied
    child.kill()
    child.join()
    with contextlib.suppress(EOFError, OSError):
        while True:
            what, low, high = hearing.recv()
            (life.kept if what == "kept" else life.settled).update(range(low, high + 1))
    hearing.close()
    return life


def _work(path: Path, seed: int, saying: Connection) -> None:
    chance, now = random.Random(seed), datetime.now(UTC)  # noqa: S311
    box = Outbox(path, now)
    saying.send((str(box.id), box.session))
    while True:
        newest = box.newest()
        if chance.random() < 0.4 and newest:
            low = chance.randint(1, newest)
            high = low + chance.randint(0, 20)
            saying.send(("settles", low, high))
            box.settle(box.id, [(low, high)])
        else:
            made = [decision(points=chance.randint(1, 32)) for _ in range(chance.randint(1, MOST_AT_ONCE))]
            kept = box.append("main", made, now)
            saying.send(("kept", kept[0].seq, kept[-1].seq))
