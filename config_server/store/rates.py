"""Count requests in windows, for limits that hold across workers."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from config_server.store.conflict import AlreadyThere, insert_new
from config_server.store.tables import rate_counts


class Rates:
    """The rate_counts table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, bucket: str, window_start: datetime) -> int:
        """Count one more in this window; how many there are now."""
        if not self._raise(bucket, window_start):
            try:
                insert_new(
                    self._connection, insert(rate_counts).values(bucket=bucket, window_start=window_start, count=1)
                )
            except AlreadyThere:
                self._raise(bucket, window_start)
        mine = (rate_counts.c.bucket == bucket) & (rate_counts.c.window_start == window_start)
        return int(self._connection.execute(select(rate_counts.c.count).where(mine)).scalar_one())

    def forget_before(self, moment: datetime) -> None:
        """Drop what was counted in windows that began before."""
        self._connection.execute(delete(rate_counts).where(rate_counts.c.window_start < moment))

    def _raise(self, bucket: str, window_start: datetime) -> bool:
        mine = (rate_counts.c.bucket == bucket) & (rate_counts.c.window_start == window_start)
        raised = update(rate_counts).where(mine).values(count=rate_counts.c.count + 1)
        return self._connection.execute(raised).rowcount == 1
