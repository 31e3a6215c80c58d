"""Run ingest: `python -m dashboard.ingest [--process N]`."""

import argparse
import gc
import signal
import sys
from datetime import UTC, datetime
from types import FrameType

from dashboard.ingest.condition import Condition
from dashboard.ingest.service import Service
from dashboard.ingest.status_server import PortTaken
from dashboard.ingest.uplink import CannotStart
from dashboard.store.revision import WrongRevision
from fleet import logs
from fleet.settings import ServerSettings, SettingsError, load

# Objects made and not yet freed: a few full batches.
COLLECT_AFTER = 100_000


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    process = _arguments().process
    try:
        settings = load(ServerSettings)
        logs.configure(f"dashboard.ingest-{process}" if process > 1 else "dashboard.ingest", settings.log_level)
        service = Service(settings, process, Condition(started_at=datetime.now(UTC)))

        def stop(_signal: int, _frame: FrameType | None) -> None:
            service.stop()

        _collect_rarely()
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        service.run()
    except (SettingsError, CannotStart, WrongRevision, PortTaken) as error:
        print(f"dashboard.ingest: {error}", file=sys.stderr)  # noqa: T201  (the one line for people)
        return 1
    return 0


def _collect_rarely() -> None:
    """Look for cycles of garbage seldom: batches make none, and thousands of short-lived objects a second."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dashboard.ingest", description=__doc__)
    parser.add_argument("--process", type=int, default=1, help="which of CAMFLEET_INGEST_PROCESSES this one is")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
