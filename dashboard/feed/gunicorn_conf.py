"""How Gunicorn runs the feed: one event-loop process that holds every stream."""

from typing import Any

from dashboard.feed.hub import MOST_CLIENTS
from dashboard.start import settings_or_exit
from fleet.logs import configure

_settings = settings_or_exit("dashboard.feed")

bind = f"127.0.0.1:{_settings.feed_port}"
workers = 1
worker_class = "gevent"
worker_connections = MOST_CLIENTS + 50
# Streams never end by themselves; browsers come back and lose nothing.
graceful_timeout = 1
timeout = 30
limit_request_line = 8190
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Log as the other programs do."""
    configure("dashboard.feed", _settings.log_level)
