"""Make a backup while everything runs."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fleet import __version__
from fleet.backup.databases import ProgramDatabase, View
from fleet.backup.entries import DatabaseBegins, EntryWriter
from fleet.backup.envelope import new_header, sealing
from fleet.backup.tables import number_of, rows_of
from fleet.home import Home, sync_folder
from fleet.pki import ScryptCost
from fleet.settings import ServerSettings

FOLDERS = ("secrets", "pki/ca")


class BackupRefused(Exception):
    """There is nothing to back up, or no place for it; the text says what to do."""


@dataclass
class Contents:
    """What a backup holds: files, and the rows of each table of each database."""

    release: str = __version__
    made_at: str = ""
    files: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    bytes: int = 0

    def lines(self) -> list[str]:
        """Return the contents for people."""
        databases = [f"{name}.db: {sum(tables.values())} rows" for name, tables in self.rows.items()]
        return [*databases, f"{len(self.files)} files of CAs and secrets"]


@dataclass(frozen=True)
class Backup:
    """The databases to look at, in their order, and how dear guessing the passphrase is to be."""

    databases: Mapping[str, ProgramDatabase]
    cost: ScryptCost = field(default_factory=ScryptCost)

    def make(self, settings: ServerSettings, target: Path, passphrase: bytes) -> Contents:
        """Write the backup to a new file; raises BackupRefused, DatabaseUnusable, OSError. No part of one is left."""
        contents = Contents(made_at=datetime.now(UTC).isoformat(timespec="seconds"))
        header = new_header(contents.release, contents.made_at, self.cost)
        with ExitStack() as views:
            # Every view is opened before a row is read: the moments lie side by side however large the databases are.
            opened = {
                name: views.enter_context(database.viewing(settings)) for name, database in self.databases.items()
            }
            # After the databases: what they name is on the disk by now.
            files = _files_of(settings.home)
            with new_file(target) as file, sealing(file, passphrase, header) as stream:
                writer = EntryWriter(stream)
                for path, content in files.items():
                    writer.file(path, content)
                contents.rows = {name: _write(writer, name, view) for name, view in opened.items()}
                writer.end()
        contents.files, contents.bytes = list(files), target.stat().st_size
        return contents


def _write(writer: EntryWriter, name: str, view: View) -> dict[str, int]:
    writer.database(DatabaseBegins(name, view.revision, tuple(view.tables)))
    counts = {}
    for table in view.tables:
        rows = rows_of(view.connection, table)
        counts[table.name] = writer.table(table, rows, partial(number_of, view.connection, table))
    return counts


def _files_of(home: Home) -> dict[str, bytes]:
    found = {}
    for folder in FOLDERS:
        for path in sorted((home.path / folder).glob("[!.]*")):
            if path.is_file():
                found[f"{folder}/{path.name}"] = path.read_bytes()
    if not any(path.startswith("pki/ca/") for path in found):
        raise BackupRefused(f"there is no CA in {home.authorities}: is CAMFLEET_HOME right?")
    return found


@contextmanager
def new_file(target: Path) -> Iterator[BinaryIO]:
    """Give a file that only its owner may read; it gets its name when it is whole and safe on the disk."""
    if target.exists():
        raise BackupRefused(f"{target} is there already: a backup never replaces another; give it another name")
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(target)
    except BaseException as error:
        fresh.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(fresh)):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    sync_folder(target.parent)
