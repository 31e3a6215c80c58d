"""An app on a real home and database, with a clock that tests move."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config_server.api.context import Services
from config_server.app import create_app, wire
from config_server.rate_limits import RateLimiter
from config_server.settings import ConfigSettings
from config_server.store.registry import Store
from fleet.pki import make_csr, new_key
from tests.support.config_server import prepare_home


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Api:
    """The app, spoken to over its test client as one kind of caller."""

    parts: Services
    client: FlaskClient
    clock: Clock
    token: str

    @property
    def store(self) -> Store:
        return self.parts.store

    @property
    def settings(self) -> ConfigSettings:
        return self.parts.settings

    def get(self, path: str, token: str | None = None, **headers: str) -> TestResponse:
        return self.client.get(path, headers=self._headers(token, headers))

    def post(self, path: str, body: Any = None, token: str | None = None, **headers: str) -> TestResponse:
        return self.client.post(path, json=body, headers=self._headers(token, headers))

    def provision(self, name: str = "Front gate", **more: str) -> dict[str, Any]:
        answer = self.post("/config/devices", {"name": name, **more})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.get_json()
        return created

    def enrol(self, token: str, csr: bytes | None = None) -> TestResponse:
        request = {"token": token, "csr_pem": (csr or make_csr(new_key(), "anything")).decode()}
        return self.client.post("/config/enrol", json=request)

    def audit_of(self, device_id: str) -> list[str]:
        with self.store.reading() as tx:
            return [entry.action for entry in tx.audit.of_device(device_id)]

    def certificates_of(self, device_id: str) -> int:
        with self.store.reading() as tx:
            return len(tx.certificates.of_subject(device_id))

    def _headers(self, token: str | None, more: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {self.token if token is None else token}", **named}


def make_api(home: Path, **given: Any) -> Api:
    """An app on a home of its own; `given` are settings."""
    parts = wire(prepare_home(home, **given))
    clock = Clock(datetime.now(UTC))
    parts = replace(parts, clock=clock, limiter=RateLimiter(parts.store, clock))
    token = parts.settings.home.secret("admin.token").read_text()
    return Api(parts, create_app(parts).test_client(), clock, token)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = make_api(tmp_path / "home", enrolment_rate="10000 per minute", open_rate="10000 per minute")
    yield made
    made.store.close()
