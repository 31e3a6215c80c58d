"""Where the worker processes of one program keep the figures that they share: in memory, not on the disk.

The metrics library maps its files into memory, and a worker that touches such a file on a full disk is killed by
the system. Just when the disk is full, somebody wants to read /health.
"""

import hashlib
import os
from pathlib import Path

from fleet.home import Home, make_private_folder

MEMORY = Path("/dev/shm")  # noqa: S108  (the folder in it is private to its owner, which is checked)


def figures_folder(home: Home, program: str, memory: Path = MEMORY) -> Path:
    """Return a private folder for `program` of this home: in memory where the system offers that, else under `run`."""
    mark = hashlib.sha256(str(home.path.absolute()).encode()).hexdigest()[:16]
    wanted = memory / f"camfleet-{os.geteuid()}-{mark}-{program}"
    if memory.is_dir() and _made_private(wanted):
        return wanted
    return make_private_folder(home.run / f"{program}-metrics")


def _made_private(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return False
    # Anybody may make folders there, and a link would lead elsewhere.
    found = folder.lstat()
    return not folder.is_symlink() and found.st_uid == os.geteuid() and found.st_mode & 0o777 == 0o700
