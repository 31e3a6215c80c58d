"""The WSGI app that Gunicorn's workers import."""

from dashboard.app import create_app
from dashboard.store.database import Database
from fleet.logs import configure
from fleet.settings import ServerSettings, load

_settings = load(ServerSettings)
configure("dashboard", _settings.log_level)
app = create_app(_settings, Database(_settings.events_database))
