"""Read and append to the audit trail, each row chained to the one before in the transaction that writes it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text

from config_server.records import AuditEntry
from config_server.store.prepared import Prepared
from config_server.store.tables import audit, audit_checkpoints
from fleet.audit_chain import GENESIS, ChainedRow, Checkpoint, link

# Any number that no other program takes on the same PostgreSQL database.
CHAIN_LOCK = 0x63616D61
READ_AT_ONCE = 1000

_ADD = Prepared(insert(audit), [column.name for column in audit.c if column.name != "id"])
_NEWEST_HASH = Prepared(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))


class Audit:
    """The audit trail within one transaction. It offers no way to change an entry, or to remove one but the oldest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, entry: AuditEntry) -> None:
        """Append an entry and chain it to the newest."""
        self._lock()
        values = {**vars(entry), "detail": dict(entry.detail)}
        previous = self._newest_hash()
        hashes = {"previous_hash": previous, "hash": link(previous, values)}
        _ADD.change(self._connection, values | hashes)

    def of_device(self, device_id: str | None) -> Sequence[AuditEntry]:
        """Every entry about a device, oldest first; None: those that are about no device."""
        statement = select(audit).where(audit.c.device_id == device_id).order_by(audit.c.id)
        return [_entry(row) for row in self._connection.execute(statement)]

    def rows(self) -> Iterator[ChainedRow]:
        """Every row in the order of the chain."""
        for row in self._connection.execute(select(audit).order_by(audit.c.id)).yield_per(READ_AT_ONCE):
            yield _chained(row)

    def checkpoints(self) -> Sequence[Checkpoint]:
        """What was signed of the chain."""
        rows = self._connection.execute(select(audit_checkpoints).order_by(audit_checkpoints.c.id))
        return [Checkpoint(r.up_to_id, r.hash, r.signed_at, r.signature, r.public_key) for r in rows]

    def last_before(self, limit: datetime) -> ChainedRow | None:
        """The newest row of the front that is older than `limit`: everything up to it is, too."""
        first_kept = select(func.min(audit.c.id)).where(audit.c.at >= limit).scalar_subquery()
        front = audit.c.id < func.coalesce(first_kept, select(func.max(audit.c.id) + 1).scalar_subquery())
        row = self._connection.execute(select(audit).where(front).order_by(audit.c.id.desc()).limit(1)).first()
        return None if row is None else _chained(row)

    def cut_front(self, checkpoint: Checkpoint) -> int:
        """Remove every row up to the checkpoint, and keep its word for them; the number of rows."""
        self._connection.execute(insert(audit_checkpoints).values(**asdict(checkpoint)))
        return self._connection.execute(delete(audit).where(audit.c.id <= checkpoint.up_to_id)).rowcount

    def _lock(self) -> None:
        """On PostgreSQL two writers would both follow the same row; SQLite has one writer at a time."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})

    def _newest_hash(self) -> bytes:
        newest = _NEWEST_HASH.first(self._connection, {})
        if newest is not None:
            return newest.hash or GENESIS
        signed = select(audit_checkpoints.c.hash).order_by(audit_checkpoints.c.id.desc()).limit(1)
        return self._connection.execute(signed).scalar() or GENESIS


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.at, row.actor, row.action, row.device_id, row.detail, row.source)


def _chained(row: Row[Any]) -> ChainedRow:
    return ChainedRow(row.id, asdict(_entry(row)), row.previous_hash, row.hash)
