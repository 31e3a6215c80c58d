"""A PostgreSQL server of our own for tests, where the machine has one; it refuses root, so it runs as `postgres`."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port

INSTALLED = "/usr/lib/postgresql"
ACCOUNT = "postgres"
SETTINGS = "-c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories="


def missing_postgres() -> str | None:
    """Say in one line why there can be no server; None when there can."""
    if _program("initdb") is None:
        return "no PostgreSQL here: apt-get install -y --no-install-recommends postgresql"
    if os.geteuid() == 0 and not _has_account():
        return f"PostgreSQL refuses root and there is no user {ACCOUNT}"
    return None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run an empty server and give the URL of its database."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="camfleet-postgres-") as name:
        folder = Path(name)
        _give_to_account(folder)
        data, log = folder / "data", folder / "log"
        _run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"{SETTINGS} -p {port}"
        _run("pg_ctl", "-D", str(data), "-l", str(log), "-w", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def _program(name: str) -> str | None:
    installed = sorted(Path(INSTALLED).glob(f"*/bin/{name}"), reverse=True)
    return str(installed[0]) if installed else shutil.which(name)


def _run(name: str, *arguments: str) -> None:
    account = {"user": ACCOUNT, "group": ACCOUNT} if os.geteuid() == 0 else {}
    argv = [_program(name) or name, *arguments]
    subprocess.run(argv, check=True, cwd="/", stdout=subprocess.DEVNULL, **account)  # type: ignore[call-overload]


def _has_account() -> bool:
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return False
    return True


def _give_to_account(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
