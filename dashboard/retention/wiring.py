"""Put retention together from settings, for its thread in ingest and for the commands."""

import threading
from datetime import UTC, datetime, timedelta

from dashboard.audit_trail import open_trail
from dashboard.retention.keeper import Keeper
from dashboard.retention.plan import policy_of
from dashboard.retention.settings import RetentionSettings
from dashboard.retention.thread import RetentionThread
from dashboard.store.database import Database
from fleet.audit_trail import NothingToCut, ProgramTrail
from fleet.settings import ServerSettings, load


def keeper_of(settings: ServerSettings, database: Database, stopping: threading.Event) -> Keeper:
    """Return the keeper of a host's events database; raises SettingsError."""
    trail = ProgramTrail("events", open_trail, settings)

    def trim_audit(keep: timedelta, now: datetime) -> int:
        try:
            return trail.trim(keep, now)
        except NothingToCut:
            return 0

    return Keeper(database, policy_of(load(RetentionSettings)), trim_audit, stopping)


def retention_beside(settings: ServerSettings) -> RetentionThread:
    """Return the thread that keeps the store within its bounds, on connections of its own; raises SettingsError."""
    keeper = keeper_of(settings, Database(settings.events_database), threading.Event())
    return RetentionThread(keeper, lambda: datetime.now(UTC))
