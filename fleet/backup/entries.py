"""What stands in a backup, one JSON line after the other: files, then each database table by table, then the end."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any

from fleet.backup.envelope import ArchiveUnusable
from fleet.backup.tables import Row, TableShape

# What lies under the home; a file of any other name is none of ours.
PLACES = re.compile(r"(secrets|pki/ca)/[A-Za-z0-9_][A-Za-z0-9._-]{0,100}")
LONGEST_LINE = 64 * 1024 * 1024
# Rows are handed on when there are so many, or so many bytes of them.
MOST_ROWS, MOST_BYTES = 500, 1024 * 1024
_DAMAGED = "what it holds makes no sense: it was not written by `camfleet backup`"


@dataclass(frozen=True)
class StoredFile:
    """A file of the home."""

    path: str
    content: bytes


@dataclass(frozen=True)
class DatabaseBegins:
    """The tables of this program's database follow, as its schema's revision has them."""

    name: str
    revision: str
    tables: tuple[TableShape, ...]


@dataclass(frozen=True)
class Rows:
    """Some rows of a table."""

    table: TableShape
    rows: list[Row]


@dataclass(frozen=True)
class TableEnds:
    """That was all of a table: how many rows, and the highest number it ever gave."""

    table: TableShape
    rows: int
    number: int


Entry = StoredFile | DatabaseBegins | Rows | TableEnds


@dataclass(frozen=True)
class EntryWriter:
    """Writes a backup's lines."""

    stream: BufferedIOBase

    def file(self, path: str, content: bytes) -> None:
        """Add a file by its path under the home."""
        if not PLACES.fullmatch(path):
            raise ValueError(f"{path} has no place in a backup")
        self._line({"file": path, "base64": b64encode(content).decode("ascii")})

    def database(self, begins: DatabaseBegins) -> None:
        """Begin a database."""
        tables = [[table.name, table.columns, table.numbered] for table in begins.tables]
        self._line({"database": begins.name, "revision": begins.revision, "tables": tables})

    def table(self, table: TableShape, rows: Iterable[Row], number: Callable[[], int]) -> int:
        """Add a whole table; returns how many rows it had. `number` is asked after the last one."""
        encode, write, count = json.JSONEncoder(separators=(",", ":")).encode, self.stream.write, 0
        for row in rows:
            write(encode(row).encode("ascii") + b"\n")
            count += 1
        self._line({"table": table.name, "rows": count, "number": number()})
        return count

    def end(self) -> None:
        """Say that nothing was left out."""
        self._line({"end": True})

    def _line(self, said: dict[str, Any]) -> None:
        self.stream.write(json.dumps(said, separators=(",", ":")).encode("ascii") + b"\n")


def read_entries(stream: BufferedIOBase) -> Iterator[Entry]:
    """Yield what a backup holds, in its order; raises ArchiveUnusable unless it holds all of it to the end."""
    lines = _Lines(stream)
    try:
        for said in lines:
            if "end" in said:
                break
            if "file" in said:
                yield _file(said)
            else:
                yield from _database(said, lines)
        else:
            raise ArchiveUnusable("its end is missing: take another copy")
    except (KeyError, ValueError, TypeError, IndexError):
        raise ArchiveUnusable(_DAMAGED) from None


def _file(said: dict[str, Any]) -> StoredFile:
    if not PLACES.fullmatch(said["file"]):
        raise ArchiveUnusable(_DAMAGED)
    return StoredFile(said["file"], b64decode(said["base64"], validate=True))


def _database(said: dict[str, Any], lines: "_Lines") -> Iterator[Entry]:
    shapes = (TableShape(name, tuple((c, k) for c, k in columns), own) for name, columns, own in said["tables"])
    begins = DatabaseBegins(said["database"], said["revision"], tuple(shapes))
    yield begins
    for table in begins.tables:
        yield from _table(table, lines)


def _table(table: TableShape, lines: "_Lines") -> Iterator[Entry]:
    count, waiting, begun = 0, list[Row](), lines.bytes
    for said in lines:
        if isinstance(said, dict):
            break
        if len(said) != len(table.columns):
            raise ArchiveUnusable(_DAMAGED)
        count += 1
        waiting.append(said)
        if len(waiting) >= MOST_ROWS or lines.bytes - begun >= MOST_BYTES:
            yield Rows(table, waiting)
            waiting, begun = [], lines.bytes
    else:
        raise ArchiveUnusable("its end is missing: take another copy")
    if waiting:
        yield Rows(table, waiting)
    if (said["table"], said["rows"]) != (table.name, count):
        raise ArchiveUnusable(_DAMAGED)
    yield TableEnds(table, count, int(said["number"]))


@dataclass
class _Lines:
    """The lines of a backup as what they say, and how many bytes were read so far."""

    stream: BufferedIOBase
    bytes: int = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.stream.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.bytes += len(line)
        return json.loads(line)
