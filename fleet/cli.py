"""The frame of the `camfleet` command: programs contribute their commands, errors are one clear line."""

import errno
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import NoReturn

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError  # typer carries it and exports it nowhere else

from fleet import __version__
from fleet.settings import ServerSettings, SettingsError, load

COMMANDS = "camfleet.commands"
MIGRATIONS = "camfleet.migrations"


# What a person can do about what the operating system said.
_REMEDIES = {
    errno.ENOSPC: "make room on that disk, then try again",
    errno.EDQUOT: "make room within your quota, then try again",
    errno.EROFS: "make it writable or name another place",
    errno.EACCES: "run as who owns it or name another place",
    errno.EPERM: "run as who owns it or name another place",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "name a file, not a folder",
    errno.EIO: "the disk is failing: look at the system's log",
}


class CommandFailed(Exception):
    """A command could not do what was asked; the text is the one line for the person, naming what to do."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run(app: typer.Typer, program: str) -> NoReturn:
    """Run a typer app; every expected failure ends as one line on stderr and a non-zero exit."""
    try:
        sys.exit(app(prog_name=program, standalone_mode=False))
    except NoArgsIsHelpError as bare:
        print(bare.format_message(), file=sys.stderr)
        sys.exit(2)
    except ClickException as refusal:
        print(f"{program}: {refusal.format_message()} (see {program} --help)", file=sys.stderr)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except CommandFailed as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SettingsError as error:
        for problem in error.problems:
            print(f"{program}: {problem}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"{program}: {explain(error)}", file=sys.stderr)
        sys.exit(1)


def explain(error: OSError) -> str:
    """Return one line: what the system refused, where, and what to do about it."""
    parts = [error.strerror or str(error), error.filename, _REMEDIES.get(error.errno or 0)]
    return ": ".join(str(part) for part in parts if part)


def new_app(help_text: str) -> typer.Typer:
    """Return a typer app with the house's manners: help when called bare, no tracebacks in colour, no completion."""
    return typer.Typer(
        help=help_text, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )


def build_app() -> typer.Typer:
    """Collect the commands of every installed program."""
    app = new_app("Run a fleet of smart cameras: identities, people, databases.")
    app.command()(version)
    app.command()(migrate)
    for point in sorted(entry_points(group=COMMANDS), key=lambda point: point.name):
        register: Callable[[typer.Typer], None] = point.load()
        register(app)
    return app


def version() -> None:
    """Print the version of this installation."""
    print(__version__)


def migrate() -> None:
    """Bring every database to this release's schema; safe to run again."""
    settings = load(ServerSettings)
    for point in sorted(entry_points(group=MIGRATIONS), key=lambda point: point.name):
        migrate_one: Callable[[ServerSettings], str] = point.load()
        print(f"{point.name}: {migrate_one(settings)}")


def main() -> NoReturn:
    """Run `camfleet`."""
    run(build_app(), "camfleet")
