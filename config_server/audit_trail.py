"""config_server's audit trail as `camfleet audit` reads and trims it, whether config_server runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from config_server.store.audit import Audit
from config_server.store.database import StoreUnavailable
from config_server.store.migrate import WrongSchema, require_current_schema
from config_server.store.registry import Store
from fleet.audit_trail import TrailUnusable
from fleet.settings import ServerSettings


@contextmanager
def open_trail(settings: ServerSettings, *, writing: bool) -> Iterator[Audit]:
    """One transaction on the trail; TrailUnusable when the database is not there or not of this release."""
    try:
        require_current_schema(settings.config_database)
        store = Store(settings.config_database)
        try:
            with store.writing() if writing else store.reading() as tx:
                yield tx.audit
        finally:
            store.close()
    except (WrongSchema, StoreUnavailable) as error:
        raise TrailUnusable(str(error)) from error
