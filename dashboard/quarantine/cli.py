"""`camfleet quarantine …`: look at what could not be read, take it in after all, or drop it; ingest may run."""

import base64
import json
import os
import pwd
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from dashboard.offline import open_database
from dashboard.quarantine.release import Release, Verdict
from dashboard.quarantine.wording import payload_lines, printable
from dashboard.store.quarantine import Listed, Quarantine, Quarantined
from fleet.cli import CommandFailed, new_app, require_agreement
from fleet.settings import ServerSettings, load

SHOWN_DIGITS = 12
LISTED = 50
FINGERPRINT = re.compile(r"[0-9a-f]{4,64}")

Device = Annotated[str | None, typer.Option(help="of this camera only")]
Json = Annotated[bool, typer.Option("--json", help="JSON for scripts")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="ids as `list` shows them")]
Every = Annotated[bool, typer.Option("--all", help="everything in quarantine")]


def register(app: typer.Typer) -> None:
    """Add `quarantine …` to `camfleet`."""
    quarantine = new_app("Messages that could not be read: see why, take them in after all, or drop them (offline).")
    quarantine.command("list")(list_rows)
    quarantine.command("show")(show)
    quarantine.command("replay")(replay)
    quarantine.command("drop")(drop)
    app.add_typer(quarantine, name="quarantine")


def list_rows(
    device: Device = None,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = LISTED,
    as_json: Json = False,
) -> None:
    """List what is in quarantine, what came last first."""
    with _quarantine() as quarantine:
        rows = quarantine.newest_first(device, limit)
    if as_json:
        print(json.dumps([_plain(asdict(row)) for row in rows]))
        return
    for row in rows:
        print(_line(row))
    if not rows:
        print("nothing is in quarantine")


def show(row_id: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Show one message: why it is here, how often and when it came, and its bytes."""
    with _quarantine() as quarantine:
        row = quarantine.get(_whole(quarantine, row_id))
    if row is None:
        raise CommandFailed(f"{row_id} has just left the quarantine")
    if as_json:
        payload = {"payload_base64": base64.b64encode(row.payload).decode()}
        print(json.dumps(_plain({name: value for name, value in asdict(row).items() if name != "payload"} | payload)))
    else:
        _print(row)


def replay(ids: Ids = None, device: Device = None, everything: Every = False) -> None:
    """Read messages again as ingest would now; what can be read is stored and leaves, the rest stays and says why."""
    with _quarantine() as quarantine:
        verdicts = _each(quarantine, _chosen(quarantine, ids, device, everything), Release.replay)
    staying = [verdict for verdict in verdicts if not verdict.is_out]
    if staying:
        raise CommandFailed(f"{len(staying)} of {len(verdicts)} stay in quarantine, for the reasons above")
    print(f"{len(verdicts)} taken in")


def drop(
    ids: Ids = None,
    device: Device = None,
    everything: Every = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Remove messages for good."""
    with _quarantine() as quarantine:
        chosen = _chosen(quarantine, ids, device, everything)
        if not yes:
            require_agreement(f"drop {len(chosen)} for good?")
        verdicts = _each(quarantine, chosen, Release.drop)
    print(f"{sum(verdict.is_out for verdict in verdicts)} dropped")


def _each(quarantine: Quarantine, fingerprints: list[str], act: Callable[[Release, str], Verdict]) -> list[Verdict]:
    release = Release(quarantine, f"host:{pwd.getpwuid(os.getuid()).pw_name}", datetime.now(UTC))
    verdicts = []
    for fingerprint in fingerprints:
        verdict = act(release, fingerprint)
        verdicts.append(verdict)
        if not verdict.is_out:
            print(f"{fingerprint[:SHOWN_DIGITS]}  stays: {printable(verdict.reason)}")
    return verdicts


def _chosen(quarantine: Quarantine, ids: list[str] | None, device: str | None, everything: bool) -> list[str]:
    if sum((bool(ids), device is not None, everything)) != 1:
        raise CommandFailed("name ids, or --device CAMERA, or --all", exit_code=2)
    if ids:
        return list(dict.fromkeys(_whole(quarantine, given) for given in ids))
    found = quarantine.fingerprints(device)
    if not found:
        raise CommandFailed("nothing is in quarantine" + (f" of {printable(device)}" if device else ""))
    return found


def _whole(quarantine: Quarantine, given: str) -> str:
    """Return the fingerprint that a person began to write."""
    if not FINGERPRINT.fullmatch(given.lower()):
        raise CommandFailed(
            f"{printable(given)!r} is no id: give four or more of the digits that `camfleet quarantine list` shows"
        )
    found = quarantine.beginning_with(given.lower())
    if len(found) != 1:
        raise CommandFailed(f"{given} is {'the begin of several' if found else 'not in quarantine'}: see the list")
    return found[0]


def _line(row: Listed) -> str:
    head = f"{row.fingerprint[:SHOWN_DIGITS]}  {row.received_at:%Y-%m-%d %H:%M:%S}  {row.count:>6}x {row.bytes:>7} B"
    return f"{head}  {printable(row.device_id)}  {printable(row.reason)}"


def _print(row: Quarantined) -> None:
    print(f"id:       {row.fingerprint}")
    print(f"camera:   {printable(row.device_id)}")
    print(f"topic:    {printable(row.topic)}")
    print(f"reason:   {printable(row.reason)}")
    print(f"received: {row.count} times, first {_time(row.first_received_at)}, last {_time(row.received_at)}")
    print(f"payload:  {len(row.payload)} bytes")
    for line in payload_lines(row.payload):
        print(f"  {line}")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@contextmanager
def _quarantine() -> Iterator[Quarantine]:
    with open_database(load(ServerSettings)) as database:
        yield Quarantine(database)
