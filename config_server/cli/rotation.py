"""`camfleet ca rotate-issuing` and `ca export-root`: offline, the rare deeds with CA keys."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config_server.cli.authority import host
from config_server.courier.control import BrokerFault
from config_server.courier.controls import loader_of
from config_server.reload import ReloadFailed, reload_changed
from config_server.root_export import ExportRefused, export_root
from config_server.rotation import RootIsAway, renew_under, rotate_issuing
from fleet.cli import CommandFailed


def rotate() -> None:
    """Put a new issuing CA to work; cameras keep their certificates and notice nothing."""
    with host() as (settings, store):
        try:
            fresh = rotate_issuing(settings, store, loader_of(settings), datetime.now(UTC))
            done = renew_under(settings, store, datetime.now(UTC))
            reloaded = reload_changed(settings, done.holders)
        except (RootIsAway, ReloadFailed) as refused:
            raise CommandFailed(str(refused)) from refused
        except BrokerFault as fault:
            raise CommandFailed(f"the old CA stays at work: {fault}; run the command again") from fault
    typer.echo(f"{fresh.name} (SKI {fresh.ski}) signs from now on, until {fresh.not_after:%Y-%m-%d}")
    typer.echo("CAs of before sign their revocation lists until their last certificate has ended")
    for line in [f"renewed the certificate of {item.holder}: {item.reason}" for item in done.renewed] + reloaded:
        typer.echo(line)


def export(folder: Annotated[Path, typer.Argument(help="empty folder on another disk, such as a USB stick")]) -> None:
    """Take the root's key offline: copy it, read the copy back, then remove it here."""
    with host() as (settings, _):
        try:
            copies = export_root(settings, folder)
        except ExportRefused as refused:
            raise CommandFailed(str(refused)) from refused
    for copy in copies:
        typer.echo(f"wrote and read back {copy}")
    typer.echo("the root's key is no longer on this host; keep the CA passphrase in another place than the copy")
    typer.echo("without it nothing stops but 'camfleet ca rotate-issuing' and the root's yearly list")
