"""`camfleet provision` and `camfleet devices …`: online, over REST."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from config_server.cli.batch import make_bundle_folder, provision_batch
from config_server.cli.online import AsJson, Server, TokenFile, client_for, every_page, print_json
from fleet.cli import CommandFailed
from fleet.home import write_file


def provision(
    name: Annotated[str | None, typer.Argument(help="the camera's name for people, in any script")] = None,
    site: Annotated[str | None, typer.Option(help="id of the site where it stands")] = None,
    device_id: Annotated[str | None, typer.Option(help="its id, 'cam-…' (default: made from the name)")] = None,
    bundle: Annotated[Path | None, typer.Option(help="new folder for key, certificate and settings")] = None,
    batch: Annotated[Path | None, typer.Option(help="instead of a name: a CSV file of name[,site] lines")] = None,
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """Register a camera and print the one command to run on it; or make its files here with --bundle."""
    client = client_for(server, token_file)
    if (name is None) == (batch is None):
        raise CommandFailed("give either the camera's name, or --batch with a file of names")
    if batch is not None:
        provision_batch(client, batch, bundle)
        return
    if bundle is not None:
        make_bundle_folder(bundle)
    try:
        created = client.post("/config/devices", _without_none(name=name, site=site, device_id=device_id))
        if bundle is not None:
            made_id = created["device"]["device_id"]
            _fill_bundle(bundle, client.post(f"/config/devices/{made_id}/bundle"))
    except CommandFailed:
        if bundle is not None:
            bundle.rmdir()
        raise
    _print_provisioned(created, bundle, as_json=as_json)


def list_devices(
    state: Annotated[str | None, typer.Option(help="pending, accepted, rejected or decommissioned")] = None,
    site: Annotated[str | None, typer.Option(help="only those of this site")] = None,
    denied: Annotated[bool | None, typer.Option(help="only those that were revoked, or were not")] = None,
    text: Annotated[str | None, typer.Option(help="part of the id or name")] = None,
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """List devices."""
    client = client_for(server, token_file)
    revoked = None if denied is None else str(denied).lower()
    found = every_page(client, "/config/devices", state=state, site=site, denied=revoked, text=text)
    if as_json:
        print_json(found)
        return
    for device in found:
        typer.echo(_line(device))


def show_device(
    device_id: Annotated[str, typer.Argument(help="the device's id")],
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """Show one device."""
    client = client_for(server, token_file)
    device = client.get(f"/config/devices/{quote(device_id, safe='')}")
    typer.echo(json.dumps(device, ensure_ascii=False, indent=None if as_json else 2))


def renew_token(
    device_id: Annotated[str, typer.Argument(help="the device's id")],
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """Make a new enrolment token for a registered camera; an older unused one ends."""
    client = client_for(server, token_file)
    ticket = client.post(f"/config/devices/{quote(device_id, safe='')}/token")
    if as_json:
        print_json(ticket)
    else:
        _print_ticket(ticket)


def _print_ticket(ticket: dict[str, Any]) -> None:
    typer.echo(f"Run this on the camera until {ticket['expires_at']}:")
    typer.echo(f"  {ticket['command']}")


def _line(device: dict[str, Any]) -> str:
    certificate = device["certificate"]
    until = f"certificate until {certificate['not_after'][:10]}" if certificate else "no certificate"
    site = device["site_id"] or "no site"
    state = f"{device['state']}, revoked" if device["denied"] else device["state"]
    return "  ".join([device["device_id"], state, site, until, device["name"]])


def _fill_bundle(folder: Path, answer: dict[str, Any]) -> None:
    files: dict[str, str] = answer["files"]
    for name, content in files.items():
        write_file(folder / Path(name).name, content.encode())


def _print_provisioned(created: dict[str, Any], bundle: Path | None, *, as_json: bool) -> None:
    device = created["device"]
    if as_json:
        shown = created if bundle is None else {"device": device, "bundle": str(bundle)}
        print_json(shown)
    elif bundle is None:
        typer.echo(f"{device['device_id']} is registered.")
        _print_ticket(created["enrolment"])
    else:
        typer.echo(f"{device['device_id']} is registered; its key and certificate are in {bundle}.")
        typer.echo(f"Move the folder to the camera and run: camfleet-agent run --home {bundle.name}")


def _without_none(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
