"""A real config_server for anybody's tests: migrated, initialised, under Gunicorn on a free port."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from config_server.ca import initialise
from config_server.settings import ConfigSettings
from config_server.store.migrate import migrate
from config_server.store.registry import Store
from fleet.home import Home
from fleet.settings import load
from tests.support.loopback import ask
from tests.support.ports import free_port
from tests.support.waiting import wait_until

START_S = 40.0
GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "python:config_server.gunicorn_conf", "config_server.wsgi:app"]


@dataclass(frozen=True)
class ConfigServer:
    """A running config_server; `client` speaks with its admin token."""

    settings: ConfigSettings
    process: subprocess.Popen[bytes]

    @property
    def home(self) -> Home:
        """Its CAMFLEET_HOME."""
        return self.settings.home

    @property
    def url(self) -> str:
        """Where it listens; plain HTTP, as behind nginx."""
        return f"http://127.0.0.1:{self.settings.config_port}"

    @property
    def admin_token(self) -> str:
        """A token that may do everything."""
        return self.home.secret("admin.token").read_text()

    def client(self, token: str | None = None) -> httpx.Client:
        """An HTTP client that carries a token (the admin's by default)."""
        headers = {"Authorization": f"Bearer {token or self.admin_token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10)

    def provision(self, name: str, **more: Any) -> dict[str, Any]:
        """Register a camera; the answer of POST /config/devices."""
        with self.client() as client:
            response = client.post("/config/devices", json={"name": name, **more})
        answer: dict[str, Any] = response.raise_for_status().json()
        return answer

    def log(self) -> str:
        """What it has written so far."""
        return (self.home.log / "config_server.log").read_text()


def prepare_home(folder: Path, **given: Any) -> ConfigSettings:
    """Migrate and initialise a CAMFLEET_HOME without starting anything; `given` are settings by field name."""
    settings = load(ConfigSettings, CAMFLEET_HOME=folder, **given)
    migrate(settings)
    store = Store(settings.config_database)
    initialise(settings, store, datetime.now(UTC))
    store.close()
    return settings


@contextmanager
def running_config_server(folder: Path, **given: Any) -> Iterator[ConfigServer]:
    """Run one under `folder` until the block ends; `given` are settings by field name."""
    settings = prepare_home(folder, **{"config_port": free_port(), **given})
    settings.home.log.mkdir(mode=0o700, exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin", **environment_of(settings, given)}
    with (settings.home.log / "config_server.log").open("wb") as log:
        process = subprocess.Popen(GUNICORN, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    server = ConfigServer(settings, process)
    try:
        wait_until(lambda: _is_well(server), START_S, "config_server answers /healthz")
        yield server
    finally:
        process.terminate()
        process.wait(START_S)


def environment_of(settings: ConfigSettings, given: dict[str, Any]) -> dict[str, str]:
    """The environment that makes another process read the same settings."""
    named = {f"CAMFLEET_{name.upper()}": str(value) for name, value in given.items()}
    named["CAMFLEET_HOME"] = str(settings.home.path)
    named["CAMFLEET_CONFIG_PORT"] = str(settings.config_port)
    return named


def _is_well(server: ConfigServer) -> bool:
    assert server.process.poll() is None, f"config_server ended: {server.log()}"
    try:
        return ask(f"{server.url}/healthz").is_success
    except httpx.TransportError:
        return False
