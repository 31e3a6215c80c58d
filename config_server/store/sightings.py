"""Read and write the cameras that asked to be let in by their code."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from config_server.records import SightingRecord
from config_server.store.conflict import insert_new
from config_server.store.tables import sightings

_UNDECIDED = sightings.c.device_id.is_(None) & sightings.c.rejected_at.is_(None)


class Sightings:
    """The sightings table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, sighting: SightingRecord) -> None:
        """Insert a sighting; AlreadyThere when its code is known."""
        values = asdict(sighting)
        insert_new(self._connection, insert(sightings).values(id=values.pop("code"), **values))

    def get(self, code: str) -> SightingRecord | None:
        """The sighting of this code, expired ones too."""
        row = self._connection.execute(select(sightings).where(sightings.c.id == code)).first()
        return None if row is None else _record(row)

    def waiting(self, now: datetime) -> Sequence[SightingRecord]:
        """Every one that nobody decided on, oldest first."""
        living = select(sightings).where(_UNDECIDED, sightings.c.expires_at > now)
        rows = self._connection.execute(living.order_by(sightings.c.seen_at, sightings.c.id))
        return [_record(row) for row in rows]

    def count_waiting(self) -> int:
        """How many nobody decided on."""
        undecided = select(func.count()).select_from(sightings).where(_UNDECIDED)
        return self._connection.execute(undecided).scalar_one()

    def count_waiting_from(self, source: str | None) -> int:
        """How many of those that nobody decided on asked from this address."""
        theirs = select(func.count()).select_from(sightings).where(_UNDECIDED, sightings.c.source == source)
        return self._connection.execute(theirs).scalar_one()

    def extend(self, code: str, expires_at: datetime) -> None:
        """Let a camera wait longer."""
        self._change(code, expires_at=expires_at)

    def accept(self, code: str, device_id: str, expires_at: datetime) -> None:
        """Remember which device this camera is; it may collect its certificate for a while."""
        self._change(code, device_id=device_id, expires_at=expires_at)

    def reject(self, code: str, now: datetime) -> None:
        """Remember that a person turned this camera away."""
        self._change(code, rejected_at=now)

    def collect(self, code: str, now: datetime) -> bool:
        """Use the acceptance up; False when that was done before."""
        unused = (sightings.c.id == code) & sightings.c.collected_at.is_(None)
        return self._connection.execute(update(sightings).where(unused).values(collected_at=now)).rowcount == 1

    def forget_expired(self, now: datetime) -> None:
        """Drop those whose time is over."""
        self._connection.execute(delete(sightings).where(sightings.c.expires_at <= now))

    def _change(self, code: str, **values: Any) -> None:
        self._connection.execute(update(sightings).where(sightings.c.id == code).values(**values))


def _record(row: Row[Any]) -> SightingRecord:
    return SightingRecord(
        code=row.id,
        public_key=row.public_key,
        csr_pem=row.csr_pem,
        name_wish=row.name_wish,
        source=row.source,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        device_id=row.device_id,
        rejected_at=row.rejected_at,
        collected_at=row.collected_at,
    )
