"""The record of logins and of what people did: each line chained to the one before as it is written."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from dashboard.store.tables import audit, audit_checkpoints
from fleet.audit_chain import GENESIS, ChainedRow, Checkpoint, link

CONTENT = tuple(column for column in audit.columns if column.name not in ("id", "previous_hash", "hash"))
READ_AT_ONCE = 1000


@dataclass(frozen=True)
class AuditLog:
    """The audit table within one writing or reading transaction; writers of this database wait for each other."""

    connection: Connection

    def append(self, row: dict[str, Any]) -> None:
        """Add a line and chain it to the newest."""
        values = {column.name: row.get(column.name) for column in CONTENT}
        previous = self._newest_hash()
        hashes = {"previous_hash": previous, "hash": link(previous, values)}
        self.connection.execute(insert(audit), {**values, **hashes})

    def rows(self) -> Iterator[ChainedRow]:
        """Every line in the order of the chain."""
        for row in self.connection.execute(select(audit).order_by(audit.c.id)).yield_per(READ_AT_ONCE):
            yield _chained(row)

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Return what was signed of the chain."""
        rows = self.connection.execute(select(audit_checkpoints).order_by(audit_checkpoints.c.id))
        return [Checkpoint(r.up_to_id, r.hash, r.signed_at, r.signature, r.public_key) for r in rows]

    def last_before(self, limit: datetime) -> ChainedRow | None:
        """Return the newest line of the front that is older than `limit`: everything up to it is, too."""
        first_kept = select(func.min(audit.c.id)).where(audit.c.at >= limit).scalar_subquery()
        front = audit.c.id < func.coalesce(first_kept, select(func.max(audit.c.id) + 1).scalar_subquery())
        row = self.connection.execute(select(audit).where(front).order_by(audit.c.id.desc()).limit(1)).first()
        return None if row is None else _chained(row)

    def cut_front(self, checkpoint: Checkpoint) -> int:
        """Remove every line up to the checkpoint, and keep its word for them; returns how many."""
        self.connection.execute(insert(audit_checkpoints), asdict(checkpoint))
        return self.connection.execute(delete(audit).where(audit.c.id <= checkpoint.up_to_id)).rowcount

    def _newest_hash(self) -> bytes:
        newest = self.connection.execute(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)).first()
        if newest is not None:
            return newest.hash or GENESIS
        signed = select(audit_checkpoints.c.hash).order_by(audit_checkpoints.c.id.desc()).limit(1)
        return self.connection.execute(signed).scalar() or GENESIS


def _chained(row: Row[Any]) -> ChainedRow:
    content = {column.name: getattr(row, column.name) for column in CONTENT}
    return ChainedRow(row.id, content, row.previous_hash, row.hash)
