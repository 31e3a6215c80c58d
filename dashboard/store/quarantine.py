"""Read what was put aside, and take rows out again: into the store's tables, or for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from dashboard.store.audit import AuditLog
from dashboard.store.database import Database
from dashboard.store.intake import Intake
from dashboard.store.records import Records
from dashboard.store.tables import quarantine


@dataclass(frozen=True)
class Quarantined:
    """A payload that could not be read, how often and when it came."""

    fingerprint: str
    topic: str
    device_id: str
    payload: bytes
    reason: str
    count: int
    first_received_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class Listed:
    """A row of the list: everything but the payload itself."""

    fingerprint: str
    topic: str
    device_id: str
    bytes: int
    reason: str
    count: int
    first_received_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class Quarantine:
    """The quarantine table of one database."""

    database: Database

    def newest_first(self, device_id: str | None, limit: int) -> list[Listed]:
        """Return at most `limit` rows, of one sender or of all, what came last first."""
        columns = [_length if column.name == "payload" else column for column in quarantine.c]
        query = select(*columns).where(*_of(device_id))
        newest = query.order_by(quarantine.c.received_at.desc(), quarantine.c.fingerprint).limit(limit)
        with self.database.reading() as connection:
            return [Listed(**row) for row in connection.execute(newest).mappings()]

    def fingerprints(self, device_id: str | None) -> list[str]:
        """Return the fingerprints of one sender's rows or of all, what came first first."""
        query = select(quarantine.c.fingerprint).where(*_of(device_id))
        oldest = query.order_by(quarantine.c.first_received_at, quarantine.c.fingerprint)
        with self.database.reading() as connection:
            return list(connection.execute(oldest).scalars())

    def beginning_with(self, digits: str) -> Sequence[str]:
        """Return the fingerprints that begin with these hexadecimal digits."""
        query = select(quarantine.c.fingerprint).where(quarantine.c.fingerprint.startswith(digits, autoescape=True))
        with self.database.reading() as connection:
            return connection.execute(query.limit(2)).scalars().all()

    def get(self, fingerprint: str) -> Quarantined | None:
        """Return a row; None when it is gone."""
        query = select(quarantine).where(quarantine.c.fingerprint == fingerprint)
        with self.database.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else Quarantined(**{**row, "payload": bytes(row["payload"])})

    def take_out(self, fingerprint: str, records: Records, entry: dict[str, Any]) -> bool:
        """Remove a row, store what it became (nothing when it is dropped) and note it: all in one transaction.

        Returns False, and does nothing, when the row is gone; raises RowRefused when the records cannot be stored.
        """
        with self.database.writing() as connection:
            removed = connection.execute(delete(quarantine).where(quarantine.c.fingerprint == fingerprint))
            if removed.rowcount == 0:
                return False
            if records:
                Intake(self.database).add(connection, records)
            AuditLog(connection).append(entry)
        return True


_length = func.length(quarantine.c.payload).label("bytes")


def _of(device_id: str | None) -> list[ColumnElement[bool]]:
    return [] if device_id is None else [quarantine.c.device_id == device_id]
