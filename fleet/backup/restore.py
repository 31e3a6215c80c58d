"""Put a backup into an empty home: everything is proven first, then made beside, then moved into its place."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

from fleet.backup.databases import NewerArchive, ProgramDatabase
from fleet.backup.entries import DatabaseBegins, Rows, StoredFile, TableEnds, read_entries
from fleet.backup.envelope import opening
from fleet.backup.make import Contents
from fleet.backup.tables import SqlConnection, empty, insert, set_number
from fleet.home import make_private_folder, sync_folder, write_file
from fleet.settings import ServerSettings


class RestoreRefused(Exception):
    """There is no empty place for it; the text says what to do."""


@dataclass(frozen=True)
class Restore:
    """The databases that can be filled, by name."""

    databases: Mapping[str, ProgramDatabase]

    def restore(self, settings: ServerSettings, archive: Path, passphrase: bytes) -> Contents:
        """Fill the home and the databases that the settings name, and return what was put there.

        Raises ArchiveUnusable, RestoreRefused, NewerArchive, DatabaseUnusable or OSError, and then nothing is there.
        """
        home = settings.home.path
        _require_empty(home)
        with archive.open("rb") as file:
            contents = _check(file, passphrase)
            self._require_known(contents)
            file.seek(0)
            with _made_beside(home) as fresh:
                self._fill(settings.model_copy(update={"home_folder": fresh}), opening(file, passphrase)[1])
        return contents

    def _require_known(self, contents: Contents) -> None:
        if strange := sorted(contents.rows.keys() - self.databases.keys()):
            raise NewerArchive(f"no program of this installation has a database {strange[0]!r}")

    def _fill(self, settings: ServerSettings, stream: BufferedIOBase) -> None:
        """Write files and rows; the databases are committed only after the last byte of the backup proved right."""
        with ExitStack() as filled:
            connection: SqlConnection
            for entry in read_entries(stream):
                match entry:
                    case StoredFile(path, content):
                        write_file(settings.home.path / path, content)
                    case DatabaseBegins(name, revision, tables):
                        connection = filled.enter_context(self.databases[name].filling(settings, revision))
                        empty(connection, tables)
                    case Rows(table, rows):
                        insert(connection, table, rows)
                    case TableEnds(table, _, number):
                        set_number(connection, table, number)


def check(archive: Path, passphrase: bytes) -> Contents:
    """Read a whole backup and return what it holds; raises ArchiveUnusable, OSError."""
    with archive.open("rb") as file:
        return _check(file, passphrase)


def _check(file: BinaryIO, passphrase: bytes) -> Contents:
    header, stream = opening(file, passphrase)
    contents = Contents(header.release, header.made_at)
    tables: dict[str, int] = {}
    for entry in read_entries(stream):
        match entry:
            case StoredFile(path, _):
                contents.files.append(path)
            case DatabaseBegins(name, _, _):
                tables = contents.rows[name] = {}
            case TableEnds(table, rows, _):
                tables[table.name] = rows
    contents.bytes = file.tell()
    return contents


def _require_empty(home: Path) -> None:
    if home.is_mount():
        raise RestoreRefused(f"{home} is where a disk is mounted: name a folder on it")
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise RestoreRefused(f"{home} is not empty: a restore never writes over anything; name another folder")


@contextmanager
def _made_beside(home: Path) -> Iterator[Path]:
    """Give a folder beside the home that becomes the home in one step when all went well, and goes when not."""
    make_private_folder(home.parent)
    fresh = Path(tempfile.mkdtemp(prefix=f".{home.name}.", suffix=".restoring", dir=home.parent))
    try:
        yield fresh
        fresh.rename(home)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    sync_folder(home.parent)
