"""A dashboard in this process, before a real database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from dashboard.app import create_app
from dashboard.people.accounts import ensure_admin
from dashboard.people.sessions import COOKIE, Sessions, Visitor
from dashboard.store.database import Database
from dashboard.store.migrate import migrate
from dashboard.store.people import People
from fleet.home import write_file
from tests.support.dashboard import site_settings


@dataclass
class Web:
    """The app, its store, and the admin's password."""

    app: Flask
    database: Database
    password: str

    def anybody(self) -> FlaskClient:
        """A browser that is not logged in, seen through nginx."""
        client = self.app.test_client()
        client.environ_base["HTTP_X_FORWARDED_FOR"] = "192.0.2.7"
        return client

    def admin(self) -> FlaskClient:
        """A browser that is logged in, without the time that a password check takes."""
        client = self.anybody()
        now = datetime.now(UTC)
        token = Sessions(People(self.database)).log_in("admin", self.password, Visitor(None, None), now)
        client.set_cookie(COOKIE, token or "")
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
    yield Web(app, database, account.password or "")
    database.close()
