"""The WSGI app that the feed's Gunicorn worker imports."""

from dashboard.feed.app import create_app
from dashboard.store.database import Database
from fleet.logs import configure
from fleet.settings import ServerSettings, load

_settings = load(ServerSettings)
configure("dashboard.feed", _settings.log_level)
app = create_app(Database(_settings.events_database))
