"""Questions about cameras: the registry's facts, presence, last health and streams of one or all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from dashboard.store.database import Database
from dashboard.store.tables import cameras, change_counter, streams
from dashboard.store.telemetry import queries_for

Row = dict[str, Any]


@dataclass(frozen=True)
class CameraRow:
    """A camera's columns and its streams by name."""

    columns: Row
    streams: list[Row]

    @property
    def site_id(self) -> str | None:
        """Return the site at which it is."""
        found: str | None = self.columns["site_id"]
        return found


@dataclass(frozen=True)
class Cameras:
    """Reads cameras."""

    database: Database

    def all(self) -> tuple[list[CameraRow], int]:
        """Return every camera and the change_seq at which this is true."""
        with self.database.reading() as connection:
            cursor = connection.execute(select(change_counter.c.value)).scalar_one()
            return cameras_changed_after(connection, -1), cursor

    def get(self, device_id: str) -> CameraRow | None:
        """Return one camera; None for an unknown one."""
        with self.database.reading() as connection:
            found = connection.execute(select(cameras).where(cameras.c.device_id == device_id)).mappings().first()
            return _with_streams(connection, [dict(found)])[0] if found else None

    def telemetry(self, device_id: str, after: datetime, before: datetime, limit: int) -> list[Row]:
        """Return the newest `limit` measurements received in a span of time, oldest first.

        A long span, or one of which nothing is kept as it came, is answered by 5 minutes or by hours.
        """
        with self.database.reading() as connection:
            for query in queries_for(device_id, after, before):
                found = [dict(row) for row in connection.execute(query.limit(limit)).mappings()]
                if found:
                    return found[::-1]
        return []


def cameras_changed_after(connection: Connection, change_seq: int) -> list[CameraRow]:
    """Return cameras that changed after `change_seq`, in the order of their change."""
    query = select(cameras).where(cameras.c.change_seq > change_seq).order_by(cameras.c.change_seq)
    return _with_streams(connection, [dict(row) for row in connection.execute(query).mappings()])


def _with_streams(connection: Connection, rows: Iterable[Row]) -> list[CameraRow]:
    wanted = list(rows)
    by_device: dict[str, list[Row]] = {row["device_id"]: [] for row in wanted}
    query = select(streams).order_by(streams.c.name)
    if len(wanted) <= 100:
        query = query.where(streams.c.device_id.in_(list(by_device)))
    for stream in connection.execute(query).mappings():
        if stream["device_id"] in by_device:
            by_device[stream["device_id"]].append(dict(stream))
    return [CameraRow(row, by_device[row["device_id"]]) for row in wanted]
