"""The ledger: every decided event as a JSON line beside the outbox, on disk before anything is published."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from camera_agent.delivery.entry import Entry
from fleet.logs import get_logger

_TAIL_BYTES = 64 * 1024

log = get_logger(__name__)


class Ledger:
    """An append-only file for tests and audits: one line per event row, fsynced before it may be sent."""

    def __init__(self, path: Path) -> None:
        """Open for appending, and cut off a last line that a crash left half-written; raises OSError."""
        self._path = path
        self._troubled = False
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._end = self._whole_lines()

    def last_seq(self, outbox: UUID) -> int:
        """Return the highest `seq` of this outbox that is written; 0 when there is none."""
        tail = os.pread(self._file, _TAIL_BYTES, max(0, self._end - _TAIL_BYTES))
        for line in reversed(tail.split(b"\n")[:-1]):
            if line.startswith(b"{"):
                row = json.loads(line)
                return int(row["seq"]) if row["outbox"] == str(outbox) else 0
        return 0

    def write(self, entries: Sequence[Entry]) -> bool:
        """Append and fsync; False (said once) while the disk does not take it: then nothing may be sent."""
        lines = b"".join(_line(entry) for entry in entries)
        try:
            written = os.pwrite(self._file, lines, self._end)
            if written < len(lines):
                raise OSError(f"only {written} of {len(lines)} bytes written")
            os.fsync(self._file)
        except OSError as error:
            if not self._troubled:
                log.error("ledger cannot be written, events are held back", path=str(self._path), error=str(error))
            self._troubled = True
            return False
        self._troubled = False
        self._end += len(lines)
        return True

    def close(self) -> None:
        os.close(self._file)

    def _whole_lines(self) -> int:
        size = os.fstat(self._file).st_size
        start = max(0, size - _TAIL_BYTES)
        end = start + os.pread(self._file, _TAIL_BYTES, start).rfind(b"\n") + 1
        os.ftruncate(self._file, end)
        return end


def _line(entry: Entry) -> bytes:
    return json.dumps({"stream": entry.stream, **json.loads(entry.payload)}).encode() + b"\n"
