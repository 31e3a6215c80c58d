"""`camfleet backup` and `camfleet restore`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fleet.backup.databases import DatabaseUnusable, NewerArchive, program_databases
from fleet.backup.envelope import ArchiveUnusable
from fleet.backup.make import Backup, BackupRefused, Contents
from fleet.backup.restore import Restore, RestoreRefused, check
from fleet.cli import CommandFailed
from fleet.settings import ServerSettings, load

SHORTEST = 12

File = Annotated[Path, typer.Argument(metavar="FILE", help="the backup")]
PassphraseFile = Annotated[Path | None, typer.Option(help="file whose first line is the passphrase (default: ask)")]


def register(app: typer.Typer) -> None:
    """Add `backup` and `restore` to `camfleet`."""
    app.command()(backup)
    app.command()(restore)


def backup(file: File, passphrase_file: PassphraseFile = None) -> None:
    """Write databases, CAs and secrets into one new file, sealed with a passphrase; everything may run."""
    settings = load(ServerSettings)
    with _failures(file):
        contents = Backup(program_databases()).make(settings, file, _passphrase(passphrase_file, is_new=True))
    print(f"wrote {file}: {contents.bytes} bytes")
    _tell(contents, settings)


def restore(
    file: File,
    home: Annotated[Path | None, typer.Option(help="an empty or new folder (default: CAMFLEET_HOME)")] = None,
    passphrase_file: PassphraseFile = None,
    only_check: Annotated[bool, typer.Option("--check", help="only read all of it and say what it holds")] = False,
) -> None:
    """Put a backup into an empty home, and into empty databases where the settings name PostgreSQL."""
    settings = load(ServerSettings) if home is None else load(ServerSettings, CAMFLEET_HOME=home)
    with _failures(file):
        passphrase = _passphrase(passphrase_file, is_new=False)
        if only_check:
            contents = check(file, passphrase)
        else:
            contents = Restore(program_databases()).restore(settings, file, passphrase)
    done = "is whole" if only_check else f"was restored into {settings.home.path}"
    print(f"{file}, made {contents.made_at} by release {contents.release}, {done}")
    _tell(contents, settings)
    if not only_check:
        print("next: `camfleet migrate`, `camfleet ca init`, `camfleet ca renew`; a start does all three")


def _tell(contents: Contents, settings: ServerSettings) -> None:
    for line in contents.lines():
        print(f"  {line}")
    opener = settings.ca_passphrase_file.absolute()
    if opener not in [settings.home.path / name for name in contents.files]:
        print(f"  not in it: {opener}, which opens the CA keys: keep a copy of it elsewhere")


def _passphrase(file: Path | None, *, is_new: bool) -> bytes:
    if file is not None:
        given = file.read_bytes().partition(b"\n")[0].rstrip(b"\r")
    elif sys.stdin.isatty():
        given = str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=is_new)).encode()
    else:
        raise CommandFailed("nobody is here to ask for the passphrase: say --passphrase-file FILE")
    if is_new and len(given) < SHORTEST:
        raise CommandFailed(f"the passphrase is too short: take {SHORTEST} characters or more, or it can be guessed")
    return given


@contextmanager
def _failures(file: Path) -> Iterator[None]:
    try:
        yield
    except ArchiveUnusable as error:
        raise CommandFailed(f"{file} cannot be used: {error}") from None
    except NewerArchive as error:
        raise CommandFailed(f"{file} is of a newer release: {error}: restore with that release") from None
    except (BackupRefused, RestoreRefused, DatabaseUnusable) as error:
        raise CommandFailed(str(error)) from None
