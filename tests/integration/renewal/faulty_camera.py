"""A camera process that is killed at a chosen step of its writing: `python -m tests.integration.renewal.faulty_camera`.

Reads lines `HOME STEP` and, for each, forks a camera that renews and is killed by SIGKILL when it is about to take its
STEPth step on the disk (a write is torn: half of it is there). Answers `killed WHAT` or `done STEPS` per line.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from camera_agent.home import AgentHome
from fleet.logs import configure
from tests.integration.renewal.camera import start_camera

TIMEOUT_S = 60.0
# What the interpreter announces before it does it; writes and fsyncs are wrapped by hand.
AUDITED = {"os.rename", "os.remove", "os.mkdir"}


class Disk:
    """Counts every step that changes the camera's home, and kills the process at one of them."""

    def __init__(self, home: Path, kill_at: int, tell: Callable[[str], None]) -> None:
        self.home, self.kill_at, self.tell = str(home), kill_at, tell
        self.steps = 0

    def install(self) -> None:
        sys.addaudithook(self._audit)
        real_fsync, real_fdopen = os.fsync, os.fdopen

        def fsync(descriptor: int) -> None:
            self.step(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
            real_fsync(descriptor)

        def fdopen(descriptor: int, *arguments: Any, **more: Any) -> Any:
            return _Torn(real_fdopen(descriptor, *arguments, **more), self)

        os.fsync, os.fdopen = fsync, fdopen  # type: ignore[assignment]

    def step(self, what: str, first: Callable[[], object] = lambda: None) -> None:
        self.steps += 1
        if self.steps == self.kill_at:
            first()
            self.tell(f"killed {what}")
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not arguments or not str(arguments[0]).startswith(self.home):
            return
        name = Path(str(arguments[0])).name
        if event in AUDITED:
            self.step(f"{event} {name}")
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


def live(home: Path, kill_at: int, tell: Callable[[str], None]) -> None:
    """Be a camera until it is settled with a certificate that is not due, or until killed."""
    disk = Disk(home, kill_at, tell)
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
        folder, kill_at = line.rsplit(maxsplit=1)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            # Its own words go to stderr; the answer goes through the pipe, also when it is about to be killed.
            os.close(reading)
            try:
                live(Path(folder), int(kill_at), partial(_tell, writing))
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            said = answer.read()
        os.waitpid(child, 0)
        print(said or "failed", flush=True)


if __name__ == "__main__":
    main()
