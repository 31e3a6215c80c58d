"""The registry's store: transactions that offer every table, on SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from config_server.store.access import ApiTokens
from config_server.store.audit import Audit
from config_server.store.certificates import Certificates, Crls
from config_server.store.cutoffs import Cutoffs
from config_server.store.database import open_engine, transaction
from config_server.store.devices import Devices
from config_server.store.enrolments import Enrolments
from config_server.store.history import History
from config_server.store.rates import Rates
from config_server.store.renewals import RenewalNonces
from config_server.store.sightings import Sightings
from config_server.store.sites import Sites


class Transaction:
    """Every table, seen through one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.devices = Devices(connection)
        self.sites = Sites(connection)
        self.certificates = Certificates(connection)
        self.crls = Crls(connection)
        self.cutoffs = Cutoffs(connection)
        self.enrolments = Enrolments(connection)
        self.renewal_nonces = RenewalNonces(connection)
        self.api_tokens = ApiTokens(connection)
        self.audit = Audit(connection)
        self.history = History(connection)
        self.rates = Rates(connection)
        self.sightings = Sightings(connection)

    @contextmanager
    def step(self) -> Iterator[None]:
        """A part that fails alone: what it did is undone, what was done before stays."""
        cursor = self._connection.connection.cursor()
        cursor.execute("SAVEPOINT step")
        try:
            yield
        except Exception:
            cursor.execute("ROLLBACK TO SAVEPOINT step")
            raise
        cursor.execute("RELEASE SAVEPOINT step")


class Store:
    """The database of config_server; safe to use from several threads, to be opened after a fork."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._hasty = open_engine(url, durable=False)

    @property
    def has_one_writer(self) -> bool:
        """Say whether writers take turns for the whole database, as SQLite's do."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent view; StoreUnavailable when the database cannot be read."""
        with transaction(self._engine, writing=False) as connection:
            yield Transaction(connection)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """All or nothing: committed at the end, rolled back on any exception."""
        with transaction(self._engine, writing=True) as connection:
            yield Transaction(connection)

    @contextmanager
    def counting(self) -> Iterator[Transaction]:
        """As `writing`, for counts that a power cut may take: it does not wait for the disk."""
        with transaction(self._hasty, writing=True) as connection:
            yield Transaction(connection)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()
        self._hasty.dispose()
