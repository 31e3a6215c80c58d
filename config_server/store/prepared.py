"""Statements that are compiled once and go straight to the driver, for what stands in every enrolment.

SQLAlchemy's own way to the driver costs about ten times what SQLite takes for a row. Statements stay Core's, so both
databases get their own text, and times and JSON are written as everywhere else.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]


class Prepared:
    """One statement. The driver's errors come out as they are: `transaction` makes StoreUnavailable of them."""

    def __init__(self, statement: Select[Any] | Insert | Update, columns: Sequence[str] | None = None) -> None:
        """Keep a statement; `columns` are those that an insert fills."""
        self._statement = statement
        self._columns = columns
        self._forms: dict[str, _Form] = {}

    def change(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute an insert or update; the number of rows that it touched."""
        return int(self._execute(connection, values).rowcount)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any | None:
        """The first row of a select, with its columns as attributes, or None."""
        row = self._execute(connection, values).fetchone()
        return None if row is None else self._form(connection.dialect).read(row)

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        form = self._form(connection.dialect)
        cursor = connection.connection.cursor()
        cursor.execute(form.sql, form.write(values))
        return cursor

    def _form(self, dialect: Dialect) -> "_Form":
        # Two threads may both compile it the first time: they make the same.
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = self._compiled_for(dialect)
        return form

    def _compiled_for(self, dialect: Dialect) -> "_Form":
        compiled = self._statement.compile(dialect=dialect, column_keys=self._columns)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(f"{type(compiled).__name__} has no parameters")
        binds = {name: compiled.binds[name] for name in compiled.params}
        selected = list(self._statement.selected_columns) if isinstance(self._statement, Select) else []
        return _Form(
            sql=str(compiled),
            order=compiled.positiontup,
            fixed={name: compiled.params[name] for name, bind in binds.items() if not bind.required},
            writers={name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()},
            readers=[column.type.dialect_impl(dialect).result_processor(dialect, None) for column in selected],
            row=namedtuple("Row", [str(column.key) for column in selected]),
        )


@dataclass(frozen=True)
class _Form:
    """A statement as one kind of database takes it; None in place of a converter leaves a value as it is."""

    sql: str
    order: Sequence[str] | None
    fixed: Mapping[str, Any]
    writers: Mapping[str, Convert | None]
    readers: Sequence[Convert | None]
    row: Any

    def write(self, values: Mapping[str, Any]) -> Any:
        """The driver's parameters: by position where it counts question marks, by name elsewhere."""
        given = {**self.fixed, **values}
        written = {
            name: given[name] if convert is None else convert(given[name]) for name, convert in self.writers.items()
        }
        return written if self.order is None else [written[name] for name in self.order]

    def read(self, row: Sequence[Any]) -> Any:
        """The driver's row as values of ours."""
        pairs = zip(row, self.readers, strict=True)
        return self.row(*(one if convert is None else convert(one) for one, convert in pairs))
