"""Read and write the registry of sites."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from config_server.records import Site
from config_server.store.conflict import insert_new
from config_server.store.tables import sites


class Sites:
    """The sites table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, site: Site) -> None:
        """Insert a site; AlreadyThere when its id is taken."""
        values = {"site_id": site.site_id, "name": site.name, "time_zone": site.time_zone}
        insert_new(self._connection, insert(sites).values(**values))

    def get(self, site_id: str) -> Site | None:
        """The site, or None."""
        row = self._connection.execute(select(sites).where(sites.c.site_id == site_id)).first()
        return None if row is None else Site(row.site_id, row.name, row.time_zone)

    def all(self) -> Sequence[Site]:
        """Every site by id."""
        rows = self._connection.execute(select(sites).order_by(sites.c.site_id))
        return [Site(row.site_id, row.name, row.time_zone) for row in rows]
