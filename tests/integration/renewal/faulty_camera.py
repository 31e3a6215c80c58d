"""A camera process that is killed at a chosen step of its writing: `python -m tests.integration.renewal.faulty_camera`.

Reads lines `HOME STEP HOW` and forks a camera for each, which renews and is killed by SIGKILL when about to take its
STEPth step on the disk (a write is torn: half of it is there). With HOW = `cut` the power goes too: what was renamed,
removed or made in a folder that was not synced since is undone. Answers `killed UNSYNCED WHAT` or `done STEPS`.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from camera_agent.home import AgentHome
from fleet.logs import configure
from tests.integration.renewal.camera import start_camera

TIMEOUT_S = 60.0
# What the interpreter announces before it does it; writes and fsyncs are wrapped by hand.
AUDITED = {"os.rename", "os.remove", "os.mkdir"}


@dataclass(frozen=True)
class Death:
    """When the process is killed, and whether the power goes with it."""

    step: int
    with_power: bool


@dataclass(frozen=True)
class Undo:
    """What lay at a path before a change of its folder that is not yet durable; None: nothing."""

    path: Path
    before: bytes | None

    def do(self) -> None:
        if self.before is not None:
            self.path.write_bytes(self.before)
        elif self.path.is_dir():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)


class Disk:
    """Counts every step that changes the camera's home, and kills the process at one of them."""

    def __init__(self, home: Path, death: Death, tell: Callable[[str], None]) -> None:
        self.home, self.death, self.tell = str(home), death, tell
        self.steps = 0
        self.unsynced: list[Undo] = []
        self.is_over = False

    def install(self) -> None:
        sys.addaudithook(self._audit)
        real_fsync, real_fdopen = os.fsync, os.fdopen

        def fsync(descriptor: int) -> None:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            self.step(f"fsync {path.name}")
            real_fsync(descriptor)
            self.unsynced = [undo for undo in self.unsynced if undo.path.parent != path]

        def fdopen(descriptor: int, *arguments: Any, **more: Any) -> Any:
            return _Torn(real_fdopen(descriptor, *arguments, **more), self)

        os.fsync, os.fdopen = fsync, fdopen  # type: ignore[assignment]

    def step(self, what: str, first: Callable[[], object] = lambda: None) -> None:
        self.steps += 1
        if self.steps == self.death.step:
            self.is_over = True
            first()
            if self.death.with_power:
                for undo in reversed(self.unsynced):
                    undo.do()
            self.tell(f"killed {len(self.unsynced)} {what}")
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_over or not arguments or not str(arguments[0]).startswith(self.home):
            return
        name = Path(str(arguments[0])).name
        if event in AUDITED:
            self.step(f"{event} {name}")
            changed = Path(str(arguments[1] if event == "os.rename" else arguments[0]))
            # Making a folder that is there, or removing what is not, changes nothing.
            if event == "os.rename" or changed.exists() == (event == "os.remove"):
                self.unsynced.append(Undo(changed, changed.read_bytes() if changed.is_file() else None))
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
            self.step(f"create {name}")


class _Torn:
    """A file whose write, when its turn has come, leaves half."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def write(self, content: bytes) -> int:
        def half() -> None:
            self._file.write(content[: len(content) // 2])
            self._file.flush()

        self._disk.step(f"write {Path(self._file.name).name if isinstance(self._file.name, str) else ''}", half)
        return int(self._file.write(content))

    def __enter__(self) -> "_Torn":
        self._file.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._file.__exit__(*problem)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def live(home: Path, death: Death, tell: Callable[[str], None]) -> None:
    """Be a camera until it is settled with a certificate that is not due, or until killed."""
    disk = Disk(home, death, tell)
    disk.install()
    camera = start_camera(AgentHome(home))
    camera.steps_until(camera.is_settled, TIMEOUT_S, "the camera is settled")
    steps = disk.steps
    camera.stop()
    tell(f"done {steps}")


def _tell(descriptor: int, said: str) -> None:
    os.write(descriptor, said.encode())


def main() -> None:
    configure("faulty_camera", "error")
    for line in sys.stdin:
        folder, step, how = line.rsplit(maxsplit=2)
        death = Death(int(step), how == "cut")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            # Its own words go to stderr; the answer goes through the pipe, also when it is about to be killed.
            os.close(reading)
            try:
                live(Path(folder), death, partial(_tell, writing))
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            said = answer.read()
        os.waitpid(child, 0)
        print(said or "failed", flush=True)


if __name__ == "__main__":
    main()
