"""dashboard's commands; they work on the database of this host, whether the dashboard runs or not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from dashboard.forwarder import cli as forward
from dashboard.offline import open_database
from dashboard.people import accounts
from dashboard.quarantine import cli as quarantine
from dashboard.retention import cli as retention
from dashboard.store.people import People
from fleet.cli import CommandFailed, new_app
from fleet.settings import ServerSettings, load

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts")]


def register(app: typer.Typer) -> None:
    """Add dashboard's commands to `camfleet`."""
    people = new_app("People who may log in to the dashboard.")
    people.command("ensure-admin")(ensure_admin)
    people.command("reset-password")(reset_password)
    app.add_typer(people, name="people")
    quarantine.register(app)
    retention.register(app)
    forward.register(app)


def ensure_admin(as_json: Json = False) -> None:
    """Make the user `admin` if there is nobody yet, and show the password, this once."""
    with _people() as people:
        account = accounts.ensure_admin(people, datetime.now(UTC))
    if as_json:
        print(json.dumps(account.__dict__))
    elif account.password is None:
        print("the admin's login was shown earlier; `camfleet people reset-password` makes a new one")
    else:
        _show(account)


def reset_password(name: Annotated[str, typer.Argument(help="user name")], as_json: Json = False) -> None:
    """Give a user a new password, show it once, and end all of their sessions."""
    with _people() as people:
        try:
            account = accounts.reset_password(people, name, datetime.now(UTC))
        except accounts.NoSuchUser:
            raise CommandFailed(f"there is no user {name!r}: check the name") from None
    if as_json:
        print(json.dumps(account.__dict__))
    else:
        _show(account)


def _show(account: accounts.Account) -> None:
    print(f"user: {account.name}   password: {account.password}   (shown only now; write it down)")


@contextmanager
def _people() -> Iterator[People]:
    with open_database(load(ServerSettings)) as database:
        yield People(database)
