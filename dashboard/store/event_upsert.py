"""One statement for a whole batch of events: the driver's own on SQLite, arrays on PostgreSQL. Both are made from the
table, so a new column needs nothing here.

Values are turned into what the driver takes one column at a time, which costs a fraction of doing it row by row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Connection, Float, Integer, Table

from dashboard.store.columns import UtcDateTime

Convert = Callable[[Sequence[Any]], Sequence[Any]]
_to_json = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Upsert:
    """A statement and how each column's values become its parameters, in the statement's order."""

    text: str
    columns: tuple[tuple[str, Convert], ...]
    takes_arrays: bool

    def execute(self, connection: Connection, values: Mapping[str, Sequence[Any]]) -> int:
        """Write all rows, given by column; returns how many were inserted or changed."""
        arrays = [convert(values[name]) for name, convert in self.columns]
        if self.takes_arrays:
            return connection.exec_driver_sql(self.text, tuple(map(list, arrays))).rowcount
        rows = list(zip(*arrays, strict=True))
        return connection.exec_driver_sql(self.text, rows, {"preserve_rowcount": True}).rowcount


@cache
def upsert_of(table: Table, kept: frozenset[str], *, is_sqlite: bool) -> Upsert:
    """Insert rows, or replace those of the same key and a lower `rev` in all columns but the `kept` ones."""
    names = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key.columns]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in kept and name not in key)
    conflict = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed} WHERE excluded.rev > {table.name}.rev"
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    if is_sqlite:
        text = f"{into} VALUES ({', '.join('?' for _ in names)}) {conflict}"
    else:
        casts = ", ".join(f"%s::{_array_of(column.type)}" for column in table.columns)
        selected = ", ".join(_selected(column.name, column.type) for column in table.columns)
        text = f"{into} SELECT {selected} FROM unnest({casts}) AS given ({', '.join(names)}) {conflict}"  # noqa: S608
    columns = tuple((column.name, _convert_of(column.type, is_sqlite)) for column in table.columns)
    return Upsert(text, columns, takes_arrays=not is_sqlite)


def _array_of(kind: Any) -> str:
    for of, name in ((Boolean, "boolean"), (Float, "float8"), (BigInteger, "int8"), (Integer, "int4")):
        if isinstance(kind, of):
            return f"{name}[]"
    return "timestamptz[]" if isinstance(kind, UtcDateTime) else "text[]"


def _selected(name: str, kind: Any) -> str:
    return f"{name}::jsonb" if isinstance(kind, JSON) else name


def _convert_of(kind: Any, is_sqlite: bool) -> Convert:
    if isinstance(kind, UtcDateTime):
        return _sqlite_times if is_sqlite else _utc_texts
    if isinstance(kind, JSON):
        return _json_texts
    return _whole_numbers if isinstance(kind, Boolean) and is_sqlite else _unchanged


def _unchanged(values: Sequence[Any]) -> Sequence[Any]:
    return values


def _whole_numbers(values: Sequence[Any]) -> list[int]:
    return [1 if value else 0 for value in values]


def _json_texts(values: Sequence[Any]) -> list[str]:
    return ["[]" if value == [] else _to_json(value).decode() for value in values]


def _utc_texts(values: Sequence[datetime | None]) -> Sequence[str | None]:
    """Return times as ISO 8601 with `Z`; raises ValueError for one without a zone."""
    present = [moment if moment.tzinfo is UTC else _in_utc(moment) for moment in values if moment is not None]
    texts = _to_json(present).decode()[2:-2].split('","') if present else []
    if len(texts) == len(values):
        return texts
    following = iter(texts)
    return [None if moment is None else next(following) for moment in values]


def _sqlite_times(values: Sequence[datetime | None]) -> list[str | None]:
    """Return times as columns.UtcDateTime has SQLite keep them: UTC with microseconds, that sorts as text."""
    return [None if text is None else _sqlite_time(text) for text in _utc_texts(values)]


def _sqlite_time(text: str) -> str:
    # With or without microseconds; the last character is the Z.
    return f"{text[:10]} {text[11:26]}" if len(text) > 20 else f"{text[:10]} {text[11:19]}.000000"


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment}")
    return moment.astimezone(UTC)
