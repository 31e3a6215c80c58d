"""`python -m config_server.courier`: read the settings, check what a start needs, run until signalled."""

import signal
import sys
import threading

from config_server.courier.courier import Courier
from config_server.courier.status import PortTaken
from config_server.settings import ConfigSettings
from config_server.store.database import StoreUnavailable
from config_server.store.migrate import WrongSchema, require_current_schema
from fleet.logs import configure
from fleet.settings import SettingsError, load

EXIT_NOT_READY = 3


def main() -> int:
    """The process's exit code: 0 after a signal, 3 with one line when it cannot start."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load(ConfigSettings)
        configure("courier", settings.log_level)
        require_current_schema(settings.config_database)
        courier = Courier(settings)
    except (SettingsError, StoreUnavailable, WrongSchema, PortTaken) as error:
        sys.stderr.write(f"courier: {error}\n")
        return EXIT_NOT_READY
    courier.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
