"""Read and write the record of cutting devices off, which the courier resumes after a crash."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from config_server.records import CutoffRecord
from config_server.store.tables import cutoffs


class Cutoffs:
    """The cutoffs table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, device_id: str, requested_by: str, now: datetime) -> None:
        """Record that a device is to be cut off."""
        values = {"device_id": device_id, "step": "recorded", "requested_at": now, "requested_by": requested_by}
        self._connection.execute(insert(cutoffs).values(**values, detail=""))

    def newest_of(self, device_id: str) -> CutoffRecord | None:
        """The newest cutting off of a device, or None."""
        mine = select(cutoffs).where(cutoffs.c.device_id == device_id)
        row = self._connection.execute(mine.order_by(cutoffs.c.id.desc()).limit(1)).first()
        return None if row is None else _record(row)

    def unfinished(self) -> Sequence[CutoffRecord]:
        """Every cutting off that has not ended, oldest first."""
        waiting = select(cutoffs).where(cutoffs.c.finished_at.is_(None)).order_by(cutoffs.c.id)
        return [_record(row) for row in self._connection.execute(waiting)]

    def advance(self, cutoff_id: int, step: str, detail: str, finished_at: datetime | None = None) -> None:
        """Remember the last step that was taken, and the end when this was it."""
        which = update(cutoffs).where(cutoffs.c.id == cutoff_id)
        self._connection.execute(which.values(step=step, detail=detail, finished_at=finished_at))


def _record(row: Row[Any]) -> CutoffRecord:
    return CutoffRecord(
        id=row.id,
        device_id=row.device_id,
        step=row.step,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        finished_at=row.finished_at,
        detail=row.detail,
    )
