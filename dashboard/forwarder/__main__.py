"""Run the forwarder: `python -m dashboard.forwarder`."""

import logging
import signal
import sys
from types import FrameType

from dashboard.forwarder.service import Service
from dashboard.ingest.status_server import PortTaken
from dashboard.store.revision import WrongRevision
from fleet import logs
from fleet.settings import ServerSettings, SettingsError, load


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    try:
        settings = load(ServerSettings)
        logs.configure("dashboard.forwarder", settings.log_level)
        keep_urls_out_of_logs()
        service = Service(settings)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            service.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        service.run()
    except SettingsError as error:
        for problem in error.problems:
            print(f"dashboard.forwarder: {problem}", file=sys.stderr)  # noqa: T201  (a line for people each)
        return 2
    except (WrongRevision, PortTaken) as error:
        print(f"dashboard.forwarder: {error}", file=sys.stderr)  # noqa: T201  (the one line for people)
        return 1
    return 0


def keep_urls_out_of_logs() -> None:
    """Silence the HTTP client, which writes every URL that it calls: a webhook's is a secret."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
