"""Read the audit trail page by page, for people."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from config_server.records import AuditEntry, HistoryFilter
from config_server.store.tables import audit, devices


class History:
    """The audit trail as people look at it, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, wanted: HistoryFilter) -> Sequence[tuple[int, AuditEntry]]:
        """Entries with their numbers, newest first; who is limited to sites sees their devices' entries only."""
        statement = select(audit)
        if wanted.device_id is not None:
            statement = statement.where(audit.c.device_id == wanted.device_id)
        if wanted.before is not None:
            statement = statement.where(audit.c.id < wanted.before)
        if wanted.sites is not None:
            theirs = select(devices.c.device_id).where(devices.c.site_id.in_(wanted.sites))
            statement = statement.where(audit.c.device_id.in_(theirs))
        rows = self._connection.execute(statement.order_by(audit.c.id.desc()).limit(wanted.limit))
        return [(r.id, AuditEntry(r.at, r.actor, r.action, r.device_id, r.detail, r.source)) for r in rows]
