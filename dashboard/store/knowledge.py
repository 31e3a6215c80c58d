"""What ingest must remember over a restart: each camera's place, session and presence; the last probe."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from dashboard.store.database import Database
from dashboard.store.tables import cameras, probes, quarantine

Row = dict[str, Any]


@dataclass(frozen=True)
class Knowledge:
    """Reads back what earlier runs of ingest wrote."""

    database: Database

    def cameras(self) -> list[Row]:
        """Return every camera's columns."""
        with self.database.reading() as connection:
            return [dict(row) for row in connection.execute(select(cameras)).mappings()]

    def camera(self, device_id: str) -> list[Row]:
        """Return one camera's columns; nothing for one that is not known."""
        with self.database.reading() as connection:
            found = connection.execute(select(cameras).where(cameras.c.device_id == device_id))
            return [dict(row) for row in found.mappings()]

    def last_probe(self, server_id: str) -> Row | None:
        """Return the newest committed probe of an ingest process."""
        with self.database.reading() as connection:
            found = connection.execute(select(probes).where(probes.c.server_id == server_id)).mappings().first()
            return dict(found) if found else None

    def quarantined(self) -> int:
        """Return how many distinct payloads are in quarantine."""
        with self.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(quarantine)).scalar_one()
