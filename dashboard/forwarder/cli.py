"""`camfleet forward …`: see how far targets are, and let one go back; the forwarder may run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from dashboard.offline import open_database
from dashboard.store.forwarding import Cursor, Forwarding, Lag, NoSuchTarget
from fleet.cli import CommandFailed, new_app
from fleet.messages import to_wire_time
from fleet.settings import ServerSettings, load

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts")]


def register(app: typer.Typer) -> None:
    """Add `forward …` to `camfleet`."""
    forward = new_app("Events on their way to Kafka and webhooks: see how far they are, send some again (offline).")
    forward.command("list")(list_targets)
    forward.command("rewind")(rewind)
    app.add_typer(forward, name="forward")


def list_targets(as_json: Json = False) -> None:
    """List every target that there ever was: how far it is, what waits for it, why it takes no more."""
    with _forwarding() as forwarding:
        rows = [(cursor, forwarding.lag(cursor.name)) for cursor in forwarding.cursors()]
    if as_json:
        print(json.dumps([_plain(cursor, lag) for cursor, lag in rows]))
        return
    for cursor, lag in rows:
        said = f"{cursor.name:<22} taken to {cursor.change_seq:>12}  {lag.events:>8} wait  {cursor.error or ''}"
        print(said.rstrip())
    if not rows:
        print("nothing was ever forwarded: see docs/forwarding.md")


def rewind(
    name: Annotated[str, typer.Argument(metavar="TARGET", help="a name that `camfleet forward list` shows")],
    to: Annotated[
        int | None, typer.Option("--to", min=0, metavar="CHANGE_SEQ", help="what came after this one goes out again")
    ] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="everything that is stored goes out")] = False,
) -> None:
    """Let a target go on from an earlier change; one that was stopped goes on too."""
    if (to is None) != from_start:
        raise CommandFailed("say --to CHANGE_SEQ or --from-start", exit_code=2)
    change_seq = to or 0
    with _forwarding() as forwarding:
        newest = forwarding.newest()
        if change_seq > newest:
            raise CommandFailed(f"the newest change is {newest}: name that one or an earlier one")
        try:
            forwarding.rewind(name, change_seq, datetime.now(UTC))
            lag = forwarding.lag(name)
        except NoSuchTarget:
            raise CommandFailed(f"there is no target {name!r}: see `camfleet forward list`") from None
    print(f"{name} goes on after {change_seq}: {lag.events} events wait for it")


def _plain(cursor: Cursor, lag: Lag) -> dict[str, str | int | None]:
    return {
        "name": cursor.name,
        "change_seq": cursor.change_seq,
        "updated_at": to_wire_time(cursor.updated_at),
        "error": cursor.error,
        "waiting": lag.events,
        "oldest_received_at": to_wire_time(lag.oldest_received_at) if lag.oldest_received_at else None,
    }


@contextmanager
def _forwarding() -> Iterator[Forwarding]:
    with open_database(load(ServerSettings)) as database:
        yield Forwarding(database)
