"""Run ingest: `python -m dashboard.ingest [--process N]`."""

import argparse
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
from fleet.garbage import collect_rarely
from fleet.settings import ServerSettings, SettingsError, load

# Three threads share the interpreter: one that has waited for the database is not to wait for the others as long.
TURN_S = 0.0002


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    process = _arguments().process
    try:
        settings = load(ServerSettings)
        logs.configure(f"dashboard.ingest-{process}" if process > 1 else "dashboard.ingest", settings.log_level)
        service = Service(settings, process, Condition(started_at=datetime.now(UTC)))

        def stop(_signal: int, _frame: FrameType | None) -> None:
            service.stop()

        collect_rarely()
        sys.setswitchinterval(TURN_S)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        service.run()
    except (SettingsError, CannotStart, WrongRevision, PortTaken) as error:
        print(f"dashboard.ingest: {error}", file=sys.stderr)  # noqa: T201  (the one line for people)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dashboard.ingest", description=__doc__)
    parser.add_argument("--process", type=int, default=1, help="which of CAMFLEET_INGEST_PROCESSES this one is")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
