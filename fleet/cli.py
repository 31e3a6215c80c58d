"""The frame of the `camfleet` command: programs contribute their commands, errors are one clear line."""

import errno
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import entry_points
from typing import Annotated, NoReturn, TypeVar

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError  # typer carries it and exports it nowhere else

from fleet import __version__
from fleet.audit_trail import NothingToCut, ProgramTrail, TrailUnusable, trails
from fleet.garbage import collect_rarely
from fleet.settings import ServerSettings, SettingsError, load

COMMANDS = "camfleet.commands"
MIGRATIONS = "camfleet.migrations"

T = TypeVar("T")
Program = Annotated[str | None, typer.Option(help="config or events (default: both)")]

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
    collect_rarely()
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


def require_agreement(question: str) -> None:
    """Ask before something that cannot be undone; raises CommandFailed unless a person says yes."""
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        raise CommandFailed("nobody is here to ask: say --yes") from None
    if not agreed:
        raise CommandFailed("nothing was changed")


def new_app(help_text: str) -> typer.Typer:
    """Return a typer app with the house's manners: help when called bare, no tracebacks in colour, no completion."""
    return typer.Typer(help=help_text, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def build_app() -> typer.Typer:
    """Collect the commands of every installed program."""
    app = new_app("Run a fleet of smart cameras: identities, people, databases.")
    app.command()(version)
    app.command()(migrate)
    audit = new_app("Check and trim the audit trails of this host (offline).")
    audit.command("verify")(verify_audit)
    audit.command("trim")(trim_audit)
    app.add_typer(audit, name="audit")
    for point in sorted(entry_points(group=COMMANDS), key=lambda point: point.name):
        register: Callable[[typer.Typer], None] = point.load()
        register(app)
    return app


def version() -> None:
    """Print the version of this installation."""
    print(__version__)


def migrate(
    to: Annotated[
        str | None, typer.Option("--to", metavar="REVISION", help="only the database that has this one, up or down")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before going where --to says")] = False,
) -> None:
    """Bring every database to this release's schema; safe to run again."""
    settings = load(ServerSettings)
    if to is not None and not yes:
        require_agreement("what only newer releases know is lost; is a backup made, and everything stopped?")
    told = 0
    for point in sorted(entry_points(group=MIGRATIONS), key=lambda point: point.name):
        migrate_one: Callable[[ServerSettings, str | None], str | None] = point.load()
        done = migrate_one(settings, to)
        if done is not None:
            print(f"{point.name}: {done}")
            told += 1
    if not told:
        raise CommandFailed(f"no database of this release has a revision {to!r}")


def verify_audit(program: Program = None) -> None:
    """Follow the chain of every audit row; the first one that does not fit is named."""
    broken = []
    for trail in _trails(program):
        verdict = _outcome_of(trail.verify)
        if verdict.is_whole:
            print(f"{trail.program}: {verdict.rows} chained rows, nothing changed or missing")
        else:
            broken.append(f"{trail.program}: row {verdict.broken_id} is the first that is not right: {verdict.reason}")
    if broken:
        raise CommandFailed("; ".join(broken))


def trim_audit(
    keep_days: Annotated[int, typer.Option(min=1, help="keep what is at most this many days old")],
    program: Program = None,
) -> None:
    """Cut old audit rows from the front; a signed checkpoint stays, from which verify starts."""
    for trail in _trails(program):
        try:
            cut = _outcome_of(partial(trail.trim, timedelta(days=keep_days), datetime.now(UTC)))
        except NothingToCut as nothing:
            print(f"{trail.program}: {nothing}")
        else:
            print(f"{trail.program}: cut {cut} rows and signed a checkpoint")


def _trails(program: str | None) -> list[ProgramTrail]:
    found = trails(load(ServerSettings), program)
    if not found:
        raise CommandFailed(f"no program of this installation keeps an audit trail {program or ''}: config or events")
    return found


def _outcome_of(act: Callable[[], T]) -> T:
    try:
        return act()
    except TrailUnusable as error:
        raise CommandFailed(str(error)) from error


def main() -> NoReturn:
    """Run `camfleet`."""
    run(build_app(), "camfleet")
