"""Count requests in windows, for limits that hold across workers."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, text

from config_server.store.tables import UtcDateTime, rate_counts

# One statement, which SQLite and PostgreSQL read alike: it stands before every request that nobody identifies for.
_ADD = text(
    "INSERT INTO rate_counts (bucket, window_start, count) VALUES (:bucket, :window_start, :more)"
    " ON CONFLICT (bucket, window_start) DO UPDATE SET count = rate_counts.count + excluded.count RETURNING count"
).bindparams(bindparam("window_start", type_=UtcDateTime))


class Rates:
    """The rate_counts table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, bucket: str, window_start: datetime, more: int = 1) -> int:
        """Count `more` in this window; how many there are now."""
        values = {"bucket": bucket, "window_start": window_start, "more": more}
        counted = self._connection.execute(_ADD, values)
        return int(counted.scalar_one())

    def forget_before(self, moment: datetime) -> None:
        """Drop what was counted in windows that began before."""
        self._connection.execute(delete(rate_counts).where(rate_counts.c.window_start < moment))
