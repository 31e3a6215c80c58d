"""Wait for the database at the start, for as long as it takes, and read what an earlier run has stored."""

import threading

from dashboard.ingest.committer import RETRY_FIRST_S, RETRY_MOST_S
from dashboard.ingest.condition import Condition
from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.knowledge import Knowledge
from dashboard.store.records import Row
from dashboard.store.revision import require_revision
from fleet.logs import get_logger

log = get_logger(__name__)


def open_store(database: Database, condition: Condition, stopping: threading.Event) -> list[Row] | None:
    """Return what the store knows of each camera once it answers; None when stopped before. Raises WrongRevision."""
    delay = RETRY_FIRST_S
    while not stopping.is_set():
        try:
            require_revision(database)
            return _read(database, condition)
        except StoreUnavailable as error:
            if condition.database(ok=False, reason=str(error)) or delay == RETRY_FIRST_S:
                log.error("waiting for the database", reason=str(error))
        stopping.wait(delay)
        delay = min(delay * 2, RETRY_MOST_S)
    return None


def _read(database: Database, condition: Condition) -> list[Row]:
    knowledge = Knowledge(database)
    known = knowledge.cameras()
    condition.quarantined = knowledge.quarantined()
    condition.database(ok=True)
    return known
