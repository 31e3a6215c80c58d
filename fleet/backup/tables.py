"""Copy whole tables out of a database and into another, row by row, on SQLite and PostgreSQL alike.

Rows travel as JSON arrays that mean the same on both: times as UTC text with microseconds, documents as JSON text,
bytes in base64. The programs own their databases and hand in connections and the shape of their tables.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

# Rows that are held at once: of those that carry a payload, a hundred are a dozen megabytes.
AT_ONCE = 100
_KINDS = {object: "json", datetime: "time", bytes: "bytes", bool: "bool", str: "plain", int: "plain", float: "plain"}

Row = list[Any]
Convert = Callable[[Any], Any]


class SqlConnection(Protocol):
    """What is needed of a program's connection, which is inside one transaction."""

    @property
    def dialect(self) -> Any: ...

    def exec_driver_sql(self, statement: str, parameters: Any = ..., execution_options: Any = ...) -> Any: ...


@dataclass(frozen=True)
class TableShape:
    """A table: its columns with their kinds, and the column that numbers itself, if there is one."""

    name: str
    columns: tuple[tuple[str, str], ...]
    numbered: str | None = None

    @property
    def names(self) -> str:
        """Return the columns as SQL lists them."""
        return ", ".join(f'"{name}"' for name, _ in self.columns)


def shape_of(table: Any) -> TableShape:
    """Return the shape of a table that SQLAlchemy describes (a program's own library, which is not imported here)."""
    numbered = table.autoincrement_column
    # A type of the program's own says what it is made of; one that has no kind yet must not be guessed.
    types = [getattr(column.type, "impl", column.type) for column in table.columns]
    columns = tuple((column.name, _KINDS[one.python_type]) for column, one in zip(table.columns, types, strict=True))
    return TableShape(table.name, columns, None if numbered is None else numbered.name)


def rows_of(connection: SqlConnection, table: TableShape) -> Iterator[Row]:
    """Yield every row of a table, without holding more than a few."""
    on_postgres = connection.dialect.name == "postgresql"
    selected = ", ".join(_read_as(name, kind, on_postgres) for name, kind in table.columns)
    statement = f'SELECT {selected} FROM "{table.name}"'  # noqa: S608  (names of our own schema)
    options = {"stream_results": True, "yield_per": AT_ONCE}
    convert = _at_places(table, {"bytes": _to_base64, "bool": bool})
    for row in connection.exec_driver_sql(statement, execution_options=options):
        yield convert(list(row))


def empty(connection: SqlConnection, tables: Sequence[TableShape]) -> None:
    """Remove what migrations put into new tables; `tables` are in the order of their references."""
    for table in reversed(tables):
        connection.exec_driver_sql(f'DELETE FROM "{table.name}"')  # noqa: S608


def insert(connection: SqlConnection, table: TableShape, rows: Iterable[Row]) -> None:
    """Add rows that `rows_of` gave."""
    on_postgres = connection.dialect.name == "postgresql"
    places = ", ".join("%s" if on_postgres else "?" for _ in table.columns)
    statement = f'INSERT INTO "{table.name}" ({table.names}) VALUES ({places})'  # noqa: S608
    converters: dict[str, Convert] = {"bytes": b64decode}
    if on_postgres:
        converters["time"] = lambda text: f"{text}+00"
    convert = _at_places(table, converters)
    connection.exec_driver_sql(statement, [tuple(convert(row)) for row in rows])


def number_of(connection: SqlConnection, table: TableShape) -> int:
    """Return the highest number that a table ever gave to a row by itself; 0 where it gives none."""
    if table.numbered is None:
        return 0
    if connection.dialect.name == "postgresql":
        sequence = connection.exec_driver_sql(_SEQUENCE, (f'"{table.name}"', table.numbered)).scalar()
        value, is_used = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608
        return int(value) if is_used else 0
    if not _counts_on_sqlite(connection, table):
        return 0
    found = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar()
    return int(found or 0)


def set_number(connection: SqlConnection, table: TableShape, number: int) -> None:
    """Let a table go on numbering after `number` and after every row that it has."""
    if table.numbered is None:
        return
    highest = f'SELECT max("{table.numbered}") FROM "{table.name}"'  # noqa: S608
    last = max(number, int(connection.exec_driver_sql(highest).scalar() or 0))
    if last == 0:
        return
    if connection.dialect.name == "postgresql":
        sequence = connection.exec_driver_sql(_SEQUENCE, (f'"{table.name}"', table.numbered)).scalar()
        connection.exec_driver_sql("SELECT setval(%s::regclass, %s)", (sequence, last))
    elif _counts_on_sqlite(connection, table):
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))


def _counts_on_sqlite(connection: SqlConnection, table: TableShape) -> bool:
    """Say whether SQLite remembers the numbers that a table gave, rows that are gone included."""
    made_by = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    return "AUTOINCREMENT" in str(connection.exec_driver_sql(made_by, (table.name,)).scalar())


_SEQUENCE = "SELECT pg_get_serial_sequence(%s, %s)"


def _read_as(name: str, kind: str, on_postgres: bool) -> str:
    """Return the expression that gives a column as it travels; SQLite keeps times and documents so."""
    quoted = f'"{name}"'
    if on_postgres and kind == "json":
        return f"{quoted}::text"
    if on_postgres and kind == "time":
        return f"to_char({quoted} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    return quoted


def _at_places(table: TableShape, converters: dict[str, Convert]) -> Callable[[Row], Row]:
    """Return what converts the columns of some kinds in a row; most tables have none."""
    places = [(place, converters[kind]) for place, (_, kind) in enumerate(table.columns) if kind in converters]

    def convert(row: Row) -> Row:
        for place, one in places:
            if row[place] is not None:
                row[place] = one(row[place])
        return row

    return convert


def _to_base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")
