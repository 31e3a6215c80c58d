"""Find programs of this home that no record knows, by the mark that every supervised process inherits."""

import contextlib
import os
from pathlib import Path

import psutil

from deploy.supervisor.identity import Identity, identify

MARK = "CAMFLEET_SUPERVISED_IN"


def marked_environment(run_folder: Path) -> dict[str, str]:
    """Return the environment for a process that is started on behalf of this run folder."""
    return os.environ | {MARK: str(run_folder)}


def strays(run_folder: Path) -> list[Identity]:
    """Return every living process that carries this run folder's mark."""
    return [found for pid in psutil.pids() if _is_marked(pid, run_folder) and (found := identify(pid))]


def _is_marked(pid: int, run_folder: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        return process.environ().get(MARK) == str(run_folder) or _is_our_nginx(process, run_folder.parent)
    return False


def _is_our_nginx(process: psutil.Process, home: Path) -> bool:
    """Know nginx by its title: it writes that over its environment, and the mark with it."""
    title = " ".join(process.cmdline())
    return title.startswith("nginx: master process") and f" {home / 'nginx' / 'nginx.conf'} " in f"{title} "
