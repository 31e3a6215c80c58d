"""The WSGI app that Gunicorn's workers import."""

from config_server.app import create_app, wire
from config_server.settings import ConfigSettings
from fleet.logs import configure
from fleet.settings import load

_settings = load(ConfigSettings)
configure("config_server", _settings.log_level)
app = create_app(wire(_settings))
