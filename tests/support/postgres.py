"""A PostgreSQL server of our own for tests, where the machine has one; it refuses root, so it runs as `postgres`."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.waiting import wait_until

INSTALLED = "/usr/lib/postgresql"
ACCOUNT = "postgres"
START_S = 60.0


def require_postgres() -> None:
    """Fail where there can be no server: the test command installs one, and a skipped test shows nothing."""
    reason = missing_postgres()
    if reason is not None:
        pytest.fail(reason)


def missing_postgres() -> str | None:
    """Say in one line why there can be no server; None when there can."""
    if _program("initdb") is None:
        return "no PostgreSQL here: apt-get install -y --no-install-recommends postgresql"
    if os.geteuid() == 0 and not _has_account():
        return f"PostgreSQL refuses root and there is no user {ACCOUNT}"
    return None


@dataclass
class Postgres:
    """One server with its data in `folder`. Its data outlive `kill` and `stop`."""

    folder: Path
    settings: tuple[str, ...] = ("fsync=off",)
    port: int = field(default_factory=free_port)
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        """What the server has written so far."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def prepare(self) -> None:
        """Make an empty database."""
        _give_to_account(self.folder)
        _run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self.begin()
        wait_until(self.answers, START_S, "PostgreSQL takes connections")

    def begin(self) -> None:
        """Start it without waiting."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *self.settings]
        argv = [_program("postgres") or "postgres", "-D", str(self.folder / "data")]
        self.starts += 1
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, *(part for option in options for part in ("-c", option))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **_account(),
            )

    def tend(self) -> None:
        """Start it again if it ended by itself, as a service manager does.

        Right after a kill it may find a child of its former life still there; on a full disk it gives up.
        """
        if self._process is not None and self._process.poll() is not None:
            self.begin()

    def answers(self) -> bool:
        """Say whether it takes connections; starts it again if it ended."""
        self.tend()
        asked = [_program("pg_isready") or "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def kill(self) -> None:
        """Kill the server process as a crash does; its children notice and end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it and its children at once."""
        self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_S)
            self._process = None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run an empty server and give the URL of its database."""
    with (
        tempfile.TemporaryDirectory(prefix="camfleet-postgres-", ignore_cleanup_errors=True) as folder,
        living(Postgres(Path(folder))) as server,
    ):
        yield server.url


@contextmanager
def living(server: Postgres) -> Iterator[Postgres]:
    """Make the server's empty database, run it, and end it however the block ends."""
    server.prepare()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _program(name: str) -> str | None:
    installed = sorted(Path(INSTALLED).glob(f"*/bin/{name}"), reverse=True)
    return str(installed[0]) if installed else shutil.which(name)


def _run(name: str, *arguments: str) -> None:
    argv = [_program(name) or name, *arguments]
    subprocess.run(argv, check=True, cwd="/", stdout=subprocess.DEVNULL, **_account())


def _account() -> dict[str, Any]:
    return {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.geteuid() == 0 else {}


def _has_account() -> bool:
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return False
    return True


def _give_to_account(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
