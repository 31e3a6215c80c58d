"""Rows that try a database: every table of a schema filled with awkward values, and every row read back as it is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, MetaData, Table, null, select

MOMENT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TEXT = "Poartă 前門 🎥 'a\"b\\c\n\t%s ?:x {}\u2028"
DOCUMENTS: tuple[Any, ...] = ({"ă": [1, 2.5, None, TEXT]}, [], "text", {"deep": {"x": True, "n": 2**53}})
FLOATS = (0.1, 1e-300, -1.5e300, 123456789.12345679)
MICROSECONDS = (0, 1, 999_999)
ROWS = 6

Contents = dict[str, list[str]]


def fill(connection: Connection, metadata: MetaData, but: str = "") -> None:
    """Add rows to every table `but` one, and but those whose only row is the schema's own."""
    for table in metadata.sorted_tables:
        if table.name != but and not _has_one_row(table):
            for number in range(ROWS):
                row = {column.name: _value(column, number) for column in table.columns}
                connection.execute(table.insert().values(row))


def contents(connection: Connection, metadata: MetaData) -> Contents:
    """Return every row of every table, as text that tells SQL's NULL from a document's null."""
    return {table.name: sorted(_rows(connection, table)) for table in metadata.sorted_tables}


def _rows(connection: Connection, table: Table) -> list[str]:
    documents = [column for column in table.columns if isinstance(column.type, JSON)]
    nulls = [column.is_(null()).label(f"{column.name} is nothing") for column in documents]
    plain = [column for column in table.columns if column not in set(documents)]
    found = connection.execute(select(*plain, *nulls, *documents))
    # The order of a document's keys is not the database's to keep.
    width = len(plain) + len(nulls)
    return [repr((*row[:width], *(json.dumps(one, sort_keys=True) for one in row[width:]))) for row in found]


def _has_one_row(table: Table) -> bool:
    [*keys] = table.primary_key
    return [column.type.python_type for column in keys] == [int] and table.autoincrement_column is None


def _value(column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return _value(key.column, number)
    if column.nullable and not column.unique and number % 3 == 2:
        return null()
    if column is column.table.autoincrement_column:
        return 1000 + number
    if isinstance(column.type, JSON):
        # On some columns this is a document's null, on others SQL's.
        return None if column.nullable and number % 3 == 1 else DOCUMENTS[number % len(DOCUMENTS)]
    return _plain(column, number)


def _plain(column: Column[Any], number: int) -> Any:
    kind = getattr(column.type, "impl", column.type).python_type
    if kind is str:
        return f"{number}-{column.name} {TEXT}"[: getattr(column.type, "length", None) or 200]
    if kind is int:
        return (2**62 if isinstance(column.type, BigInteger) else 2**31 - 1) - number
    if kind is datetime:
        return MOMENT + timedelta(days=number, microseconds=MICROSECONDS[number % len(MICROSECONDS)])
    if kind is bytes:
        return bytes([number, *range(256)])
    return FLOATS[number % len(FLOATS)] if kind is float else number % 2 == 0
