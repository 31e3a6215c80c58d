"""A dashboard in this process, before a real database."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from dashboard.api.registry import REGISTRY_CLIENT
from dashboard.app import create_app
from dashboard.people.accounts import Deed, Rights, add_user, ensure_admin
from dashboard.people.sessions import COOKIE, LIFE, hash_token
from dashboard.store.database import Database
from dashboard.store.migrate import migrate
from dashboard.store.people import People
from fleet.home import write_file
from tests.support.dashboard import csrf_of, site_settings
from tests.support.pretended_registry import PretendedRegistry


@dataclass
class Web:
    """The app, its store, and the admin's password."""

    app: Flask
    database: Database
    password: str
    registry: PretendedRegistry

    def anybody(self) -> FlaskClient:
        """A browser that is not logged in, seen through nginx."""
        client = self.app.test_client()
        client.environ_base["HTTP_X_FORWARDED_FOR"] = "192.0.2.7"
        return client

    def admin(self) -> FlaskClient:
        """A browser that is logged in, without the time that a password check takes."""
        return self.logged_in("admin")

    def person(self, name: str, rights: Rights) -> FlaskClient:
        """A browser in which a new person is logged in."""
        add_user(People(self.database), name, rights, Deed("admin", datetime.now(UTC)))
        return self.logged_in(name)

    def write(self, client: FlaskClient, method: str, path: str, body: Any = None) -> Any:
        """Send what a page's script would, with the token that it carries."""
        token = csrf_of(client.get("/").text)
        headers = {"X-CSRFToken": token, "Accept": "application/json"}
        return client.open(path, method=method, json=body, headers=headers)

    def logged_in(self, name: str) -> FlaskClient:
        """A browser with a session of this user, whatever the password."""
        people, now = People(self.database), datetime.now(UTC)
        user, token = people.named(name), secrets.token_urlsafe(32)
        assert user
        people.open_session(hash_token(token), user, now, now + LIFE)
        client = self.anybody()
        client.set_cookie(COOKIE, token)
        return client


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A migrated dashboard with its first admin."""
    settings = site_settings(tmp_path)
    migrate(settings)
    write_file(settings.home.secret("session.key"), b"only for tests, and long enough to sign with")
    database = Database(settings.events_database)
    account = ensure_admin(People(database), datetime.now(UTC))
    app = create_app(settings, database, CollectorRegistry())
    registry = PretendedRegistry()
    app.extensions[REGISTRY_CLIENT] = registry
    yield Web(app, database, account.password or "", registry)
    database.close()
