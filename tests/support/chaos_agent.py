"""A camera that decides without looking: `python -m tests.support.chaos_agent run --home DIR --ledger FILE`.

The real agent from its settings to its MQTT session, outbox and streams' threads; only source, detector and tracker are
made up. A stream's source is `made-up:` and what `Wish` says as JSON.
"""

import argparse
import json
import os
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from camera_agent import agent, cli, starting
from camera_agent.delivery import publisher
from camera_agent.delivery.lane import LateLane, LiveLane
from camera_agent.delivery.resend import ResendSchedule
from camera_agent.events import Decision
from camera_agent.home import AgentHome
from camera_agent.pipeline import StreamPipeline
from camera_agent.settings import StreamSettings, read_settings
from camera_agent.streams.status import StatusBoard
from camera_agent.streams.worker import Keep, StreamWorker
from camera_agent.vision.model import Model
from camera_agent.vision.types import Frame
from fleet import mqtt
from fleet.messages import StreamInfo
from tests.support.made_up_events import made_up_pipeline

PREFIX = "made-up:"
FRAMES_PER_S = 10.0
PICTURE = np.zeros((9, 16, 3), np.uint8)


@dataclass(frozen=True)
class Wish:
    """What a test wants of one camera. `diary` and the two marks are files outside the camera's home.

    The diary gets event id and rev of what the outbox says to have kept, for holding ledger and outbox against it.
    When `enough` is there nothing new is decided; `finished` says that everything decided is in the outbox.
    """

    seed: str
    events_per_s: float
    folder: str
    first_resend_s: float = 10.0
    longest_retry_s: float = mqtt.RETRY_MOST_S

    @property
    def diary(self) -> Path:
        return Path(self.folder) / "diary"

    @property
    def enough(self) -> Path:
        return Path(self.folder) / "enough"

    @property
    def finished(self) -> Path:
        return Path(self.folder) / "finished"

    @property
    def lives(self) -> Path:
        return Path(self.folder) / "lives"

    @property
    def source(self) -> str:
        return PREFIX + json.dumps(asdict(self))

    @classmethod
    def of(cls, source: str) -> "Wish":
        return cls(**json.loads(source.removeprefix(PREFIX)))

    def begin_life(self) -> random.Random:
        """Count this process among the camera's lives, and give it a chance of its own."""
        life = int(self.lives.read_text()) + 1 if self.lives.exists() else 1
        self.lives.write_text(str(life))
        return random.Random(f"{self.seed} {life}")  # noqa: S311  (not a secret)


@dataclass
class MadeUpPictures:
    """Ten black pictures a second until it is enough."""

    wish: Wish
    kind: str = "made-up"
    width: int = 16
    height: int = 9
    fps: float = FRAMES_PER_S
    dropped: int = 0
    _closed: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        self.wish.finished.unlink(missing_ok=True)

    def frames(self) -> Iterator[Frame]:
        index = 0
        while not self.wish.enough.exists() and not self._closed.wait(1 / self.fps):
            yield Frame(index, datetime.now(UTC), PICTURE)
            index += 1

    def close(self) -> None:
        self._closed.set()
        if self.wish.enough.exists():
            self.wish.finished.touch()


@dataclass(frozen=True)
class Diary:
    """Writes down what the outbox has said to have kept; the system keeps a line whole when this process is killed."""

    file: int
    keep: Keep

    def __call__(self, stream: str, decisions: Sequence[Decision]) -> None:
        self.keep(stream, decisions)
        os.write(self.file, b"".join(b"%s %d\n" % (str(one.event_id).encode(), one.rev) for one in decisions))


def made_up_worker(name: str, wanted: StreamSettings, _model: Model, keep: Keep, board: StatusBoard) -> StreamWorker:
    """What stands in for `worker_for`."""
    wish = Wish.of(wanted.source)
    chance = wish.begin_life()

    def pipeline() -> StreamPipeline:
        return made_up_pipeline(chance, wish.events_per_s / FRAMES_PER_S)

    diary = Diary(os.open(wish.diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), keep)
    worker = StreamWorker(name, lambda: MadeUpPictures(wish), pipeline, diary, board)
    board.enter(StreamInfo(name=name, kind="made-up", fps=FRAMES_PER_S), worker.clock.now())
    return worker


def stand_in(wish: Wish) -> None:
    """Put what is made up in the place of what looks at pictures, and the wished patience in the place of ours."""
    named = SimpleNamespace(name="made-up", sha256="0" * 64)
    parts: dict[tuple[ModuleType, str], Any] = {
        (starting, "load_default_model"): lambda: SimpleNamespace(manifest=named),
        (starting, "new_source"): lambda _wanted: None,
        (starting, "pipeline_maker"): lambda _model, _wanted: None,
        (agent, "worker_for"): made_up_worker,
        (mqtt, "RETRY_MOST_S"): wish.longest_retry_s,
        (publisher, "LiveLane"): partial(LiveLane, schedule=ResendSchedule(first_s=wish.first_resend_s)),
        (publisher, "LateLane"): partial(LateLane, schedule=ResendSchedule(first_s=wish.first_resend_s)),
    }
    for (module, name), part in parts.items():
        setattr(module, name, part)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    given, _ = parser.parse_known_args()
    (stream,) = read_settings(AgentHome(given.home)).streams.values()
    stand_in(Wish.of(stream.source))
    cli.main()


if __name__ == "__main__":
    main()
