"""One writer at a time for the files that the broker reads: courier and commands may sign lists at the same moment."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from fleet.home import Home, make_private_folder


@contextmanager
def broker_files_held(home: Home) -> Iterator[None]:
    """Hold the files from signing until they lie in place: an older list must never replace a newer one."""
    make_private_folder(home.run)
    lock_file = home.run / "broker-files.lock"
    lock_file.touch(mode=0o600)
    with lock_file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
