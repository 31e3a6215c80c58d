"""Homes with databases full of rows, on SQLite and PostgreSQL, and backups of them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from config_server.settings import ConfigSettings
from config_server.store.database import open_engine, transaction
from config_server.store.tables import metadata as config_metadata
from dashboard.store.database import Database
from dashboard.store.migrate import migrate as migrate_events
from dashboard.store.tables import metadata as events_metadata
from fleet.backup.databases import program_databases
from fleet.backup.make import Backup
from fleet.backup.restore import Restore
from fleet.pki import ScryptCost
from fleet.settings import load
from tests.support.config_server import prepare_home
from tests.support.databases import postgres_databases
from tests.support.filled_tables import Contents, contents, fill

PASSPHRASE = b"correct horse battery staple"
CHEAP = ScryptCost(n=2**8)


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], str]]:
    """One server for all tests; each call gives the URL of an empty database."""
    with postgres_databases() as new:
        yield new


@dataclass(frozen=True)
class Host:
    """A home and its two databases."""

    settings: ConfigSettings
    # A prepared home on SQLite to be copied: making keys and tables anew for each test costs most of its time.
    pattern: Path | None = None

    def prepare(self) -> None:
        """Make everything that a start makes."""
        if self.pattern is not None and not self.settings.config_database_url:
            shutil.copytree(self.pattern, self.settings.home.path)
            return
        given = {name: getattr(self.settings, name) for name in ("config_database_url", "events_database_url")}
        prepare_home(self.settings.home.path, **given)
        migrate_events(self.settings)

    def fill(self) -> None:
        """Put awkward rows into every table but the dashboard's audit log."""
        engine = open_engine(self.settings.config_database)
        with transaction(engine, writing=True) as connection:
            fill(connection, config_metadata)
        engine.dispose()
        with closing(Database(self.settings.events_database)) as database, database.writing() as connection:
            fill(connection, events_metadata, but="audit")

    def contents(self) -> dict[str, Contents]:
        """Return every row of both databases."""
        engine = open_engine(self.settings.config_database)
        with transaction(engine, writing=False) as connection:
            config = contents(connection, config_metadata)
        engine.dispose()
        with closing(Database(self.settings.events_database)) as database, database.reading() as connection:
            return {"config": config, "events": contents(connection, events_metadata)}

    def files(self) -> dict[str, bytes]:
        """Return what lies in secrets/ and pki/ca/."""
        home = self.settings.home.path
        found = [*(home / "secrets").iterdir(), *(home / "pki" / "ca").iterdir()]
        return {str(path.relative_to(home)): path.read_bytes() for path in found}

    def back_up(self, archive: Path) -> Path:
        """Make a backup that is quickly opened."""
        Backup(program_databases(), CHEAP).make(self.settings, archive, PASSPHRASE)
        return archive

    def restore(self, archive: Path) -> None:
        """Put a backup here."""
        Restore(program_databases()).restore(self.settings, archive, PASSPHRASE)


MakeHost = Callable[[str, str], Host]


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as a start makes it."""
    home = tmp_path_factory.mktemp("pattern") / "home"
    Host(load(ConfigSettings, CAMFLEET_HOME=home)).prepare()
    return home


@pytest.fixture
def make_host(tmp_path: Path, pattern: Path, request: pytest.FixtureRequest) -> MakeHost:
    """Name a home on `sqlite` or `postgresql`; nothing is made yet."""

    def make(name: str, kind: str) -> Host:
        urls = {}
        if kind == "postgresql":
            new_database = request.getfixturevalue("new_database")
            urls = {name: new_database() for name in ("config_database_url", "events_database_url")}
        return Host(load(ConfigSettings, CAMFLEET_HOME=tmp_path / name, **urls), pattern)

    return make
