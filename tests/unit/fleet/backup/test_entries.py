"""What stands in a backup is read back in its order, and a backup that lacks something is refused."""

import io
import json
from typing import Any

import pytest

from fleet.backup.entries import (
    DatabaseBegins,
    Entry,
    EntryWriter,
    Rows,
    StoredFile,
    TableEnds,
    read_entries,
)
from fleet.backup.envelope import ArchiveUnusable
from fleet.backup.tables import TableShape

SITES = TableShape("sites", (("id", "plain"), ("seen", "time")))
AUDIT = TableShape("audit", (("id", "plain"), ("hash", "bytes")), "id")
EVENTS = DatabaseBegins("events", "0007", (SITES, AUDIT))


def lines(*said: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in said)


def written(sites: list[list[Any]], audit: list[list[Any]]) -> bytes:
    stream = io.BytesIO()
    writer = EntryWriter(stream)
    writer.file("secrets/ca.key", b"\x00\xff")
    writer.database(EVENTS)
    assert writer.table(SITES, sites, lambda: 0) == len(sites)
    writer.table(AUDIT, audit, lambda: 77)
    writer.end()
    return stream.getvalue()


def read(content: bytes) -> list[Entry]:
    return list(read_entries(io.BytesIO(content)))


def test_files_and_tables_come_back_in_their_order() -> None:
    sites = [["Poartă 前門\n\"'", None], [5, "2026-11-21 08:00:00.000001"]]
    assert read(written(sites, [])) == [
        StoredFile("secrets/ca.key", b"\x00\xff"),
        EVENTS,
        Rows(SITES, sites),
        TableEnds(SITES, 2, 0),
        TableEnds(AUDIT, 0, 77),
    ]


def test_many_rows_come_in_parts_of_bounded_size() -> None:
    many, large = [[number, None] for number in range(1234)], [["x" * 100_000, None]] * 40
    for rows in (many, large):
        parts = [entry.rows for entry in read(written(rows, [])) if isinstance(entry, Rows)]
        assert [row for part in parts for row in part] == rows
        assert max(len(part) for part in parts) <= 500
        assert max(len(json.dumps(part)) for part in parts) < 1_300_000


@pytest.mark.parametrize("kept", range(1, 8))
def test_a_backup_without_its_end_is_refused(kept: int) -> None:
    whole = written([["a", None]], [[1, "AA=="]]).splitlines(keepends=True)
    assert len(whole) == 7
    if kept < 7:
        with pytest.raises(ArchiveUnusable, match="its end is missing"):
            read(b"".join(whole[:kept]))
    else:
        assert read(b"".join(whole))


@pytest.mark.parametrize(
    "said",
    [
        ({"file": "secrets/../../etc/passwd", "base64": ""},),
        ({"file": "/etc/passwd", "base64": ""},),
        ({"file": "config.db", "base64": ""},),
        ({"file": "secrets/.hidden", "base64": ""},),
        ({"file": "secrets/a", "base64": "%"},),
        ({"file": "secrets/a"},),
        ({"something": "else"},),
        ("text",),
        (7,),
        ({"database": "events", "revision": "1", "tables": [["t", [["a", "plain"]], None]]}, [1, 2]),
        ({"database": "events", "revision": "1", "tables": [["t", [["a", "plain"]], None]]}, {"table": "u", "rows": 0}),
        (
            {"database": "events", "revision": "1", "tables": [["t", [["a", "plain"]], None]]},
            [1],
            {"table": "t", "rows": 2, "number": 0},
        ),
    ],
)
def test_what_no_backup_says_is_refused(said: tuple[Any, ...]) -> None:
    with pytest.raises(ArchiveUnusable):
        read(lines(*said, {"end": True}))


def test_a_file_that_has_no_place_is_not_written() -> None:
    with pytest.raises(ValueError, match="no place"):
        EntryWriter(io.BytesIO()).file("secrets/../x", b"")
