"""A forwarder that dies between delivery and cursor: `python -m tests.support.dying_forwarder kafka|webhook`."""

import os
import signal
import sys
from datetime import datetime

from dashboard.forwarder import service
from dashboard.forwarder.__main__ import main
from dashboard.store.forwarding import Cursor, Forwarding


class DyingForwarding(Forwarding):
    """The real store; power goes where it would note what the named kind of target has taken."""

    def advance(self, cursor: Cursor, change_seq: int, now: datetime) -> bool:
        if cursor.name.startswith(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().advance(cursor, change_seq, now)


if __name__ == "__main__":
    service.Forwarding = DyingForwarding  # type: ignore[attr-defined]
    sys.exit(main())
