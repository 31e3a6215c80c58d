"""An outbox at work in a process that is killed: every word that it gives is on the pipe before the next step."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from camera_agent.delivery.outbox import Outbox
from tests.unit.camera_agent.tracks import decision

MOST_AT_ONCE = 8


@dataclass
class Life:
    """What one life of an outbox had said when it was killed; `settled` may not all have been done."""

    outbox: str
    session: int
    kept: set[int] = field(default_factory=set)
    settled: set[int] = field(default_factory=set)


def die_at_work(path: Path, seed: int, after_s: float) -> Life:
    """Let an outbox append and settle in a child, kill that with -9, and return what it had said until then."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            chance = random.Random(seed)  # noqa: S311
            _work(path, chance, lambda *said: os.write(writing, json.dumps(said).encode() + b"\n"))
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as words:
        life = Life(*json.loads(words.readline()))
        time.sleep(after_s)  # not for timing's sake: the moment of death is what is varied
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for line in words:
            if line.endswith(b"\n"):
                what, low, high = json.loads(line)
                (life.kept if what == "kept" else life.settled).update(range(low, high + 1))
    return life


def _work(path: Path, chance: random.Random, say: Callable[..., object]) -> None:
    now = datetime.now(UTC)
    box = Outbox(path, now)
    say(str(box.id), box.session)
    while True:
        newest = box.newest()
        if chance.random() < 0.4 and newest:
            low = chance.randint(1, newest)
            high = low + chance.randint(0, 20)
            say("settles", low, high)
            box.settle(box.id, [(low, high)])
        else:
            made = [decision(points=chance.randint(1, 32)) for _ in range(chance.randint(1, MOST_AT_ONCE))]
            kept = box.append("main", made, now)
            say("kept", kept[0].seq, kept[-1].seq)
