"""How each program offers its database to backup and restore: an entry point of the group `camfleet.backups`."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from fleet.backup.tables import SqlConnection, TableShape
from fleet.home import make_private_folder
from fleet.settings import ServerSettings

DATABASES = "camfleet.backups"
# What happens in config.db (a camera gets its certificate) comes before what follows from it in events.db (its events).
# Looked at in this order, whatever follows is in the backup together with what it follows from.
LOOKED_AT = ("events", "config")


class DatabaseUnusable(Exception):
    """A program's database cannot be read or filled; the text says what to do."""


class NewerArchive(Exception):
    """The backup has a database of a newer release."""


@dataclass(frozen=True)
class View:
    """A database as one moment saw it, for as long as the view is open."""

    revision: str
    tables: Sequence[TableShape]
    connection: SqlConnection


class ProgramDatabase(Protocol):
    """What a program offers."""

    def viewing(self, settings: ServerSettings) -> AbstractContextManager[View]:
        """Give one view; its moment is when this is entered. Raises DatabaseUnusable."""
        ...

    def filling(self, settings: ServerSettings, revision: str) -> AbstractContextManager[SqlConnection]:
        """Make the empty tables of a revision and give the transaction that made them; it is kept if all ends well.

        Raises DatabaseUnusable when there is something already, NewerArchive for a revision that nobody knows here.
        """
        ...


def program_databases() -> dict[str, ProgramDatabase]:
    """Return the programs' databases by name, in the order in which they are to be looked at.

    Raises DatabaseUnusable when one is missing: a backup without it would be worth little.
    """
    found = {point.name: point.load() for point in entry_points(group=DATABASES)}
    if missing := [name for name in LOOKED_AT if name not in found]:
        raise DatabaseUnusable(f"this installation is not whole, {missing[0]}.db is nobody's: install it again")
    return {name: found[name] for name in [*LOOKED_AT, *sorted(found.keys() - set(LOOKED_AT))]}


@contextmanager
def new_sqlite_file(file: Path | None) -> Iterator[None]:
    """Make room for a database file, readable by its owner only; it is gone again unless all ends well.

    None, of a database that is no file, does nothing.
    """
    if file is None:
        yield
        return
    if file.exists():
        raise DatabaseUnusable(f"{file} is there already: move it away, or restore into another home")
    make_private_folder(file.parent)
    file.touch(mode=0o600)
    try:
        yield
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        raise
