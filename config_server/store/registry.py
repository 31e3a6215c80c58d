"""The registry's store: transactions that offer every table, on SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection

from config_server.store.access import ApiTokens
from config_server.store.audit import Audit
from config_server.store.certificates import Certificates, Crls
from config_server.store.cutoffs import Cutoffs
from config_server.store.database import KeptConnections, open_engine, transaction
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
        self._readers = KeptConnections(self._engine, writing=False)
        self._writers = KeptConnections(self._engine, writing=True)

    @property
    def has_one_writer(self) -> bool:
        """Say whether writers take turns for the whole database, as SQLite's do."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent view; StoreUnavailable when the database cannot be read."""
        with self._transaction(self._readers) as connection:
            yield Transaction(connection)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """All or nothing: committed at the end, rolled back on any exception."""
        with self._transaction(self._writers) as connection:
            yield Transaction(connection)

    @contextmanager
    def counting(self) -> Iterator[Transaction]:
        """As `writing`, for counts that a power cut may take: it does not wait for the disk."""
        with transaction(self._hasty, writing=True) as connection:
            yield Transaction(connection)

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._readers.close()
        self._writers.close()
        self._engine.dispose()
        self._hasty.dispose()

    def _transaction(self, kept: KeptConnections) -> AbstractContextManager[Connection]:
        # A server may have closed what was kept: its connections are the pool's, which looks before it lends.
        return kept.transaction() if self.has_one_writer else transaction(kept.engine, writing=kept.writing)
