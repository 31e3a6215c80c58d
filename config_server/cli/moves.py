"""`camfleet devices accept …`: move a device through its life, and let cameras in by their code."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from config_server.cli.online import AsJson, Server, TokenFile, client_for, print_json

DeviceId = Annotated[str, typer.Argument(help="the device's id")]
Code = Annotated[str, typer.Argument(help="the whole code that the camera shows")]


def add_move_commands(registry: typer.Typer) -> None:
    """Add what a person does with a device to `devices …`."""
    registry.command("accept")(accept)
    registry.command("reject")(reject)
    registry.command("revoke")(revoke)
    registry.command("decommission")(decommission)
    registry.command("re-enrol")(re_enrol)
    registry.command("cutoff")(show_cutoff)
    registry.command("waiting")(list_waiting)
    registry.command("let-in")(let_in)
    registry.command("turn-away")(turn_away)


def accept(
    device_id: DeviceId, as_json: AsJson = False, server: Server = None, token_file: TokenFile = None
) -> None:
    """Accept a pending device; its certificate comes when it enrols."""
    _tell(_move(device_id, "accept", server, token_file), f"{device_id} is accepted.", as_json=as_json)


def reject(
    device_id: DeviceId, as_json: AsJson = False, server: Server = None, token_file: TokenFile = None
) -> None:
    """Reject a pending device: its enrolment token ends."""
    _tell(_move(device_id, "reject", server, token_file), f"{device_id} is rejected.", as_json=as_json)


def revoke(
    device_id: DeviceId, as_json: AsJson = False, server: Server = None, token_file: TokenFile = None
) -> None:
    """Cut a device off now: its connection closes within seconds and cannot come back."""
    device = _move(device_id, "revoke", server, token_file)
    _tell(device, f"{device_id} is being cut off: 'camfleet devices cutoff {device_id}' shows it.", as_json=as_json)


def decommission(
    device_id: DeviceId, as_json: AsJson = False, server: Server = None, token_file: TokenFile = None
) -> None:
    """Take a device out of the fleet for good: cut off, its name free, its id never given again."""
    device = _move(device_id, "decommission", server, token_file)
    _tell(device, f"{device_id} is decommissioned; its name is free.", as_json=as_json)


def re_enrol(
    device_id: DeviceId, as_json: AsJson = False, server: Server = None, token_file: TokenFile = None
) -> None:
    """Let a device enrol again, after a revocation too: print the command to run on it."""
    ticket = client_for(server, token_file).post(f"/config/devices/{quote(device_id, safe='')}/re-enrol")
    _tell(ticket, f"Run this on the camera until {ticket['expires_at']}:\n  {ticket['command']}", as_json=as_json)


def show_cutoff(
    device_id: DeviceId, as_json: AsJson = False, server: Server = None, token_file: TokenFile = None
) -> None:
    """Show how far the newest cut-off of a device is."""
    cutoff = client_for(server, token_file).get(f"/config/devices/{quote(device_id, safe='')}/cutoff")
    ended = f"ended {cutoff['finished_at']}" if cutoff["finished_at"] else "going on"
    said = f"{cutoff['step']}, {ended}, asked for {cutoff['requested_at']} by {cutoff['requested_by']}"
    _tell(cutoff, f"{device_id}: {said}", as_json=as_json)


def list_waiting(as_json: AsJson = False, server: Server = None, token_file: TokenFile = None) -> None:
    """List the cameras that ask to be let in, each with the code that it shows."""
    items = client_for(server, token_file).get("/config/sightings")["items"]
    lines = [f"{item['shown']}  {item['name_wish']}  from {item['source']} at {item['seen_at']}" for item in items]
    _tell(items, "\n".join(lines) or "no camera waits to be let in", as_json=as_json)


def let_in(
    code: Code,
    name: Annotated[str, typer.Argument(help="the camera's name for people")],
    site: Annotated[str | None, typer.Option(help="id of the site where it stands")] = None,
    device_id: Annotated[str | None, typer.Option(help="its id, 'cam-…' (default: made from the name)")] = None,
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """Let a camera in, after comparing all of its code with what it shows."""
    wanted = {"name": name, "site": site, "device_id": device_id}
    body = {key: value for key, value in wanted.items() if value is not None}
    device = client_for(server, token_file).post(f"/config/sightings/{quote(code, safe='')}/accept", body)
    _tell(device, f"{device['device_id']} is accepted; it collects its certificate by itself.", as_json=as_json)


def turn_away(code: Code, server: Server = None, token_file: TokenFile = None) -> None:
    """Turn a camera away that asks to be let in."""
    client_for(server, token_file).post(f"/config/sightings/{quote(code, safe='')}/reject")
    typer.echo("It is turned away.")


def _move(device_id: str, move: str, server: str | None, token_file: Path | None) -> dict[str, Any]:
    return client_for(server, token_file).post(f"/config/devices/{quote(device_id, safe='')}/{move}")


def _tell(answer: Any, line: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        typer.echo(line)
