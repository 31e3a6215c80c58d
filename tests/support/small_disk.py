"""A disk of a few megabytes that tests fill up and take away; needs root, as CI has."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A file system in memory, mounted at `path`."""

    path: Path

    def fill(self, leave_kib: int = 0) -> None:
        """Leave no byte free, or as many as told."""
        with (self.path / "filler").open("ab", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                _write_until_full(filler.fileno(), b"\0" * size)
            filler.truncate(filler.tell() - leave_kib * 1024)

    def make_room(self) -> None:
        """Take back what `fill` took."""
        (self.path / "filler").unlink()

    @contextmanager
    def read_only(self, folder: Path) -> Iterator[None]:
        """Let nothing be opened for writing under `folder`; files that are open stay so, as when a disk fails."""
        _mount("--bind", folder, folder)
        try:
            _mount("-o", "remount,ro,bind", folder)
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_disk(folder: Path, size_kib: int) -> Iterator[SmallDisk]:
    """Mount a disk of that size at `folder`; skips the test, saying why, where that is not allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can be mounted only as root")
    folder.mkdir(parents=True, exist_ok=True)
    asked = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if asked.returncode:
        pytest.skip(f"no small disk here: {asked.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _write_until_full(descriptor: int, block: bytes) -> None:
    try:
        while os.write(descriptor, block) == len(block):
            pass
    except OSError:
        return
