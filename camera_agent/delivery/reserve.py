"""A little space on the outbox's disk, held for the moment when nothing else is left: to delete needs room, too."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

SIZE_BYTES = 1024 * 1024
"""More than a small commit adds to the log, and a short log to the database when it is written back."""


class Reserve:
    """A file of zeros beside the outbox. Receipts may have its space, events may not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_held = False

    def hold(self) -> bool:
        """Take the space if it is not held; False while the disk does not have it."""
        if self.is_held:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, SIZE_BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            self.release()
            return False
        self.is_held = True
        return True

    def release(self) -> None:
        """Give the space to whoever comes next."""
        self.is_held = False
        with suppress(OSError):
            self._path.unlink()
