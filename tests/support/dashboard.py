"""The dashboard's real programs on free ports, with a home of their own, for tests."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import httpx

from dashboard.people.accounts import ensure_admin
from dashboard.store.database import Database
from dashboard.store.migrate import migrate
from dashboard.store.people import People
from fleet.access import ingest_id
from fleet.home import write_file
from fleet.settings import ServerSettings, load
from tests.support.loopback import ask
from tests.support.ports import free_port, free_span
from tests.support.waiting import wait_until

START_S = 60.0


@dataclass
class Site:
    """One host's dashboard: `database` is the store that its programs share."""

    settings: ServerSettings
    database: Database
    password: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    # Where programs write what they say; None: where the test itself writes.
    output: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """Where pages and API answer."""
        return f"http://127.0.0.1:{self.settings.dashboard_port}"

    @property
    def feed_url(self) -> str:
        """Where the feed answers."""
        return f"http://127.0.0.1:{self.settings.feed_port}"

    def start_web(self) -> None:
        """Start pages and API under Gunicorn."""
        self._start("web", _gunicorn("dashboard"), self.settings.dashboard_port)

    def start_feed(self) -> None:
        """Start the feed under Gunicorn."""
        self._start("feed", _gunicorn("dashboard.feed"), self.settings.feed_port)

    def start_ingest(self, process: int = 1) -> None:
        """Start ingest, or one of its processes, and wait until it is connected."""
        self._await_healthy(self.launch_ingest(process), self._ingest_port(process))

    def start_all_ingest(self) -> None:
        """Start every configured process of ingest at once and wait until all are connected."""
        numbers = range(1, self.settings.ingest_processes + 1)
        for name, number in [(self.launch_ingest(number), number) for number in numbers]:
            self._await_healthy(name, self._ingest_port(number))

    def kill(self, name: str) -> None:
        """End a program as a crash does."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        """End every program."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(START_S)
        self.database.close()

    def ingest_health(self, process: int = 1) -> dict[str, Any]:
        """What ingest says of itself."""
        body: dict[str, Any] = ask(f"http://127.0.0.1:{self._ingest_port(process)}/healthz").json()
        return body

    def ingest_metrics(self, process: int = 1) -> str:
        """What ingest counts."""
        return ask(f"http://127.0.0.1:{self._ingest_port(process)}/metrics").text

    def log_in(self) -> httpx.Client:
        """A browser without pictures, logged in as admin."""
        client = httpx.Client(base_url=self.url, headers={"Accept": "text/html, application/json"})
        form = {"username": "admin", "password": self.password, "csrf_token": csrf_token(client)}
        assert client.post("/login", data=form).status_code == 302
        return client

    def _ingest_port(self, process: int) -> int:
        return self.settings.ingest_ports[ingest_id(process)]

    def launch_ingest(self, process: int = 1) -> str:
        """Start ingest without waiting; returns the name of its process here."""
        name = "ingest" if process == 1 else f"ingest-{process}"
        more = [] if process == 1 else ["--process", str(process)]
        return self._launch(name, [sys.executable, "-m", "dashboard.ingest", *more])

    def _start(self, name: str, argv: list[str], port: int) -> None:
        self._await_healthy(self._launch(name, argv), port)

    def _launch(self, name: str, argv: list[str]) -> str:
        around = {**os.environ, **environment(self.settings)}
        self.processes[name] = subprocess.Popen(argv, env=around, stdout=self.output, stderr=self.output)
        return name

    def _await_healthy(self, name: str, port: int) -> None:
        process = self.processes[name]

        def healthy() -> bool:
            assert process.poll() is None, f"{name} ended with {process.returncode}"
            try:
                return ask(f"http://127.0.0.1:{port}/healthz").status_code == 200
            except httpx.HTTPError:
                return False

        wait_until(healthy, START_S, f"{name} is healthy")


def csrf_token(client: httpx.Client) -> str:
    """The token of the login form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    assert found
    return found[1]


def csrf_of(page: str) -> str:
    """The token that a page's scripts send along."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return found[1]


def environment(settings: ServerSettings) -> dict[str, str]:
    """The settings as a program's environment."""
    ports = {name: str(getattr(settings, name)) for name in ServerSettings.model_fields if name.endswith("_port")}
    ingest = {name: str(getattr(settings, name)) for name in ServerSettings.model_fields if name.startswith("ingest_")}
    named = {f"CAMFLEET_{name.upper()}": value for name, value in (ports | ingest).items()}
    return {
        **named,
        "CAMFLEET_HOME": str(settings.home_folder),
        "CAMFLEET_EVENTS_DATABASE_URL": settings.events_database,
        "CAMFLEET_LOG_LEVEL": settings.log_level,
    }


def site_settings(home: Path, **given: Any) -> ServerSettings:
    """Settings with free ports for the dashboard's programs."""
    ports = {f"{name}_port": free_port() for name in ("dashboard", "feed", "ingest", "courier")}
    # The second process listens on this number and 2.
    ports["ingest_more_ports_from"] = free_span(given.get("ingest_processes", 1)) - 2
    return load(ServerSettings, CAMFLEET_HOME=home, **ports, **given)


@contextmanager
def running_site(settings: ServerSettings) -> Iterator[Site]:
    """A migrated home with an admin; programs are started by the test."""
    migrate(settings)
    write_file(settings.home.secret("session.key"), b"only for tests, and long enough to sign with")
    database = Database(settings.events_database)
    account = ensure_admin(People(database), datetime.now(UTC))
    site = Site(settings, database, account.password or "")
    try:
        yield site
    finally:
        site.stop()


def _gunicorn(package: str) -> list[str]:
    command = str(Path(sys.executable).with_name("gunicorn"))
    return [command, "-c", f"python:{package}.gunicorn_conf", f"{package}.wsgi:app"]
