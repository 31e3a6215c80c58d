"""What releases wrote, as databases of their own revision on SQLite and PostgreSQL."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text

from config_server.store import migrate as config_history
from dashboard.store import migrate as events_history
from dashboard.store import revision as events_revision
from fleet.backup.tables import SqlConnection, TableShape, empty, insert, rows_of, shape_of
from fleet.settings import ServerSettings, load
from tests.support.databases import postgres_databases
from tests.support.filled_tables import fill

DATA = Path(__file__).resolve().parents[2] / "data"
RELEASES = sorted(folder.name for folder in DATA.glob("v[0-9]*"))


@dataclass(frozen=True)
class History:
    """The revisions of one of the two databases, and what goes from one to another."""

    name: str
    version_table: str
    revisions: tuple[str, ...]
    migrate: Callable[[ServerSettings, str | None], str | None]

    @property
    def head(self) -> str:
        """This release's revision."""
        return self.revisions[-1]


HISTORIES: Mapping[str, History] = {
    "config": History(
        "config", config_history.VERSION_TABLE, tuple(config_history.known_revisions()), config_history.migrate
    ),
    "events": History(
        "events", events_revision.VERSION_TABLE, tuple(events_revision.known_revisions()), events_history.migrate
    ),
}

Row = dict[str, str]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Old:
    """A database as a release left it: `shapes` are the tables and columns that it had."""

    history: History
    settings: ServerSettings
    engine: Engine
    shapes: tuple[TableShape, ...]
    revision: str

    def migrate(self, to: str | None = None) -> str | None:
        """Migrate it as `camfleet migrate` does."""
        return self.history.migrate(self.settings, to)

    def found(self) -> str:
        """Return the revision that it has."""
        with self.engine.connect() as connection:
            return str(connection.execute(text(f"SELECT version_num FROM {self.history.version_table}")).scalar_one())  # noqa: S608

    def rows(self) -> Rows:
        """Return every row of every table of that release, in those of its columns that are still there.

        What became a field of an event's payload is still there.
        """
        there = self.columns()
        with self.engine.connect() as connection:
            return {shape.name: list(_found(connection, shape, there[shape.name])) for shape in self.shapes}

    def has(self, wanted: Rows) -> bool:
        """Say whether every row of these tables is there, and no other, as far as both know the same columns."""
        found = self.rows()
        assert found.keys() == wanted.keys()
        for table, rows in wanted.items():
            common = found[table][0].keys() & rows[0].keys()
            assert len(common) > len(rows[0]) / 2, f"hardly a column is left of {table}"
            assert _sorted(found[table], common) == _sorted(rows, common), table
        return True

    def columns(self) -> dict[str, set[str]]:
        """Return the tables and columns that there are now."""
        return {table.name: set(table.columns.keys()) for table in reflected(self.engine).sorted_tables}


def _found(connection: Connection, shape: TableShape, there: set[str]) -> Iterator[Row]:
    columns = tuple(one for one in shape.columns if one[0] in there)
    gone = [(name, kind) for name, kind in shape.columns if name not in there]
    payload = (("payload", "plain"),) if shape.name == "events" and "payload" in there else ()
    read = replace(shape, columns=(*columns, *payload))
    for row in rows_of(connection, read):
        said = json.loads(row.pop()) if payload else {}
        named = {name: _plain(value, kind) for (name, kind), value in zip(columns, row, strict=True)}
        yield named | ({name: _said(said.get(name), kind) for name, kind in gone} if payload else {})


def _plain(value: Any, kind: str) -> str:
    """Return a value of a column; documents are compared, not how they are spaced or in which order their keys are."""
    return repr(_in_order(json.loads(value)) if kind == "json" and value is not None else value)


def _said(value: Any, kind: str) -> str:
    """Return a value of a payload as a column would hold it: times are UTC text with microseconds."""
    if kind == "time" and value is not None:
        value = f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S.%f}"
    return repr(_in_order(value) if kind == "json" else value)


def _in_order(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def _sorted(rows: list[Row], columns: Set[str]) -> list[tuple[str, ...]]:
    return sorted(tuple(row[column] for column in sorted(columns)) for row in rows)


def reflected(engine: Engine) -> MetaData:
    """Read the schema that a database has."""
    metadata = MetaData()
    metadata.reflect(engine)
    return metadata


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], str]]:
    """One server for all tests; each call gives the URL of an empty database."""
    with postgres_databases() as new:
        yield new


@pytest.fixture(params=[f"{name}-{kind}" for name in HISTORIES for kind in ("sqlite", "postgresql")])
def which(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A database and where it is."""
    name, kind = str(request.param).split("-")
    return name, kind


@pytest.fixture(params=RELEASES)
def old(request: pytest.FixtureRequest, which: tuple[str, str], tmp_path: Path) -> Iterator[Old]:
    """A release's database with the rows that its demo left, and with awkward ones beside them."""
    name, kind = which
    history, url = HISTORIES[name], ""
    file = tmp_path / f"{name}.db"
    shutil.copy(DATA / str(request.param) / f"{name}.db", file)
    released = _open(f"sqlite:///{file}")
    if kind == "postgresql":
        url = str(request.getfixturevalue("new_database")())
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path, **{f"{name}_database_url": url})
    engine = _open(url) if url else released
    with released.connect() as connection:
        query = text(f"SELECT version_num FROM {history.version_table}")  # noqa: S608
        revision = str(connection.execute(query).scalar_one())
    if url:
        history.migrate(settings, revision)
        _copy(released, engine)
    yield Old(history, settings, engine, _fill(engine, history), revision)
    engine.dispose()
    released.dispose()


def _open(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _copy(source: Engine, target: Engine) -> None:
    shapes = [shape_of(table) for table in reflected(target).sorted_tables]
    with source.connect() as old, target.begin() as new:
        empty(new, shapes)
        for shape in shapes:
            _insert(new, shape, old)


def _insert(new: SqlConnection, shape: TableShape, old: Connection) -> None:
    rows = list(rows_of(old, shape))
    if rows:
        insert(new, shape, rows)


def _fill(engine: Engine, history: History) -> tuple[TableShape, ...]:
    metadata = reflected(engine)
    metadata.remove(metadata.tables[history.version_table])
    if "change_counter" in metadata.tables:
        # One row, whose number is no serial: that cannot be read back from a schema.
        metadata.tables["change_counter"].columns["id"].autoincrement = False
    with engine.begin() as connection:
        fill(connection, metadata)
    return tuple(shape_of(table) for table in metadata.sorted_tables)


@contextmanager
def every_statement(do: Callable[[], None]) -> Iterator[None]:
    """Call `do` before each statement and each commit of this process, as SQLAlchemy runs them."""

    def before(*_: object) -> None:
        do()

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "commit", before)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "commit", before)
