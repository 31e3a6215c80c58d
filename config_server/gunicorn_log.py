"""Have Gunicorn's own lines go the way of all others: one format, one line each."""

from typing import Any

from gunicorn.glogging import Logger


class FleetLogger(Logger):  # type: ignore[misc]
    """Gunicorn's logger without handlers of its own; requests are logged by the app."""

    def setup(self, cfg: Any) -> None:
        """Keep Gunicorn's level and hand its lines to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
