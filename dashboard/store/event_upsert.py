"""One statement for a whole batch of events: rows of values on SQLite, arrays on PostgreSQL. Both are made from the
table, so a new column needs nothing here.

Values are turned into what the driver takes one column at a time, which costs a fraction of doing it row by row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Connection, Float, Integer, Table

from dashboard.store.columns import UtcDateTime

Convert = Callable[[Sequence[Any]], Sequence[Any]]
# Rows of one statement on SQLite: each row by itself would be a step of its own, and a turn of the interpreter's lock.
ROWS_AT_ONCE = (1_000, 200, 40)
_to_json = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Upsert:
    """A statement, and how each column's values become its parameters, in the statement's order.

    `texts_of_many`: the same for so many rows of values, the most first; none where one takes arrays of any length.
    """

    text: str
    texts_of_many: tuple[tuple[int, str], ...]
    columns: tuple[tuple[str, Convert], ...]

    def execute(self, connection: Connection, values: Mapping[str, Sequence[Any]]) -> int:
        """Write all rows, given by column; returns how many were inserted or changed."""
        arrays = [convert(values[name]) for name, convert in self.columns]
        if not self.texts_of_many:
            return connection.exec_driver_sql(self.text, tuple(map(list, arrays))).rowcount
        return sum(self._write_rows(connection, list(zip(*arrays, strict=True))))

    def _write_rows(self, connection: Connection, rows: list[tuple[Any, ...]]) -> Iterator[int]:
        first = 0
        for count, text in self.texts_of_many:
            while len(rows) - first >= count:
                many = tuple(chain.from_iterable(rows[first : first + count]))
                yield connection.exec_driver_sql(text, many).rowcount
                first += count
        if first < len(rows):
            yield connection.exec_driver_sql(self.text, rows[first:], {"preserve_rowcount": True}).rowcount


@cache
def upsert_of(table: Table, kept: frozenset[str], *, is_sqlite: bool) -> Upsert:
    """Insert rows, or replace those of the same key and a lower `rev` in all columns but the `kept` ones."""
    names = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key.columns]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in kept and name not in key)
    conflict = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed} WHERE excluded.rev > {table.name}.rev"
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    columns = tuple((column.name, _convert_of(column.type, is_sqlite)) for column in table.columns)
    if is_sqlite:
        row = f"({', '.join('?' for _ in names)})"
        one, *many = (f"{into} VALUES {', '.join([row] * rows)} {conflict}" for rows in (1, *ROWS_AT_ONCE))
        return Upsert(one, tuple(zip(ROWS_AT_ONCE, many, strict=True)), columns)
    arrays = ", ".join(f"%b::{_array_of(column.type)}" for column in table.columns)
    text = f"{into} SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608
    return Upsert(text, (), columns)


def _array_of(kind: Any) -> str:
    for of, name in ((Boolean, "boolean"), (Float, "float8"), (BigInteger, "int8"), (Integer, "int4")):
        if isinstance(kind, of):
            return f"{name}[]"
    return "timestamptz[]" if isinstance(kind, UtcDateTime) else "text[]"


def _convert_of(kind: Any, is_sqlite: bool) -> Convert:
    if isinstance(kind, UtcDateTime):
        return _sqlite_times if is_sqlite else _unchanged
    return _whole_numbers if isinstance(kind, Boolean) and is_sqlite else _unchanged


def _unchanged(values: Sequence[Any]) -> Sequence[Any]:
    return values


def _whole_numbers(values: Sequence[Any]) -> list[int]:
    return [1 if value else 0 for value in values]


def _sqlite_times(values: Sequence[datetime]) -> list[str]:
    """Return times as columns.UtcDateTime has SQLite keep them: UTC with microseconds, that sorts as text."""
    if all(value is values[0] for value in values):
        return [_sqlite_time(text) for text in _utc_texts(values[:1])] * len(values)
    return [_sqlite_time(text) for text in _utc_texts(values)]


def _utc_texts(values: Sequence[datetime]) -> list[str]:
    """Return times as ISO 8601 with `Z`; raises ValueError for one without a zone."""
    return _to_json([each if each.tzinfo is UTC else _in_utc(each) for each in values]).decode()[2:-2].split('","')


def _sqlite_time(text: str) -> str:
    # With or without microseconds; the last character is the Z.
    return f"{text[:10]} {text[11:26]}" if len(text) > 20 else f"{text[:10]} {text[11:19]}.000000"


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment}")
    return moment.astimezone(UTC)
