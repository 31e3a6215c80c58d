"""state.json: what the running agent says about itself to programs of the same host, replaced in one step."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fleet.logs import get_logger

log = get_logger(__name__)


class StateFile:
    """Written often and worth little, so without fsync; a disk that takes nothing is said once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._troubled = False

    def write(self, state: dict[str, Any]) -> None:
        fresh = self._path.with_suffix(".json.new")
        try:
            fresh.write_text(json.dumps({"pid": os.getpid(), **state}) + "\n")
            fresh.replace(self._path)
        except OSError as error:
            if not self._troubled:
                log.warning("state file cannot be written", path=str(self._path), error=error.strerror)
            self._troubled = True
            return
        self._troubled = False
