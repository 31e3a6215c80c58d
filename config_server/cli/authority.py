"""`camfleet ca …`: offline, on the files and the database of this host."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from config_server.authorities import ISSUING, ROOT, SERVERS_ROOT, AuthorityMissing, load_authorities
from config_server.ca import care, days_left, initialise
from config_server.host_credentials import holders_of
from config_server.policy import PolicyRefused
from config_server.reload import reload_changed
from config_server.revocation import CrlUnusable
from config_server.settings import ConfigSettings
from config_server.store.database import StoreUnavailable
from config_server.store.migrate import WrongSchema, require_current_schema
from config_server.store.registry import Store
from fleet.cli import CommandFailed
from fleet.pki import NotACertificate, read_certificate
from fleet.settings import load


def init() -> None:
    """Make the CAs, their CRLs, this host's certificates, secrets and tokens; safe to run again."""
    with host() as (settings, store):
        lines = initialise(settings, store, datetime.now(UTC))
    for line in lines or ["nothing to make: everything is there"]:
        typer.echo(line)


def renew() -> None:
    """Renew this host's certificates that are due, and sign fresh CRLs."""
    with host() as (settings, store):
        done = care(settings, store, load_authorities(settings), datetime.now(UTC))
        reloaded = reload_changed(settings, done.holders)
    for item in done.renewed:
        typer.echo(f"renewed the certificate of {item.holder}: {item.reason}")
    for crl in done.crls:
        typer.echo(f"signed a CRL of {crl.authority}, valid until {crl.next_update:%Y-%m-%d %H:%M} UTC")
    for line in reloaded:
        typer.echo(line)


def show() -> None:
    """Show the CAs with their fingerprints, this host's certificates, and the CRLs' remaining days."""
    with host() as (settings, store):
        for name in (ROOT, ISSUING, SERVERS_ROOT):
            typer.echo(_described(f"CA {name}", settings.home.authorities / f"{name}.pem", fingerprint=True))
        for other in load_authorities(settings).others:
            typer.echo(f"CA {ISSUING} before: {other.name}, until {other.not_after:%Y-%m-%d}; it only signs its list")
        for holder in holders_of(settings):
            typer.echo(_described(holder, settings.home.credentials(holder).certificate))
        with store.reading() as tx:
            left = days_left(tx, datetime.now(UTC))
    for ski, days in left.items():
        typer.echo(f"CRL {ski}: {days:.1f} days left")


def denied() -> None:
    """List the devices that the broker must refuse, one a line (offline; the broker's start asks for it)."""
    with host() as (_, store), store.reading() as tx:
        for device_id in tx.devices.denied():
            typer.echo(device_id)


def _described(label: str, path: Path, *, fingerprint: bool = False) -> str:
    try:
        facts = read_certificate(path.read_bytes())
    except FileNotFoundError:
        return f"{label}: missing ({path}); run 'camfleet ca init'"
    except NotACertificate as error:
        return f"{label}: {error} ({path}); run 'camfleet ca renew'"
    line = f"{label}: {facts.common_name}, until {facts.not_after:%Y-%m-%d}, serial {facts.serial:x}"
    return f"{line}, SHA-256 {facts.fingerprint.hex()}" if fingerprint else line


@contextmanager
def host() -> Iterator[tuple[ConfigSettings, Store]]:
    """The settings and the migrated store of this host; every failure ends as one line."""
    settings = load(ConfigSettings)
    try:
        require_current_schema(settings.config_database)
        store = Store(settings.config_database)
        try:
            yield settings, store
        finally:
            store.close()
    except (AuthorityMissing, CrlUnusable, PolicyRefused, StoreUnavailable, WrongSchema) as error:
        raise CommandFailed(str(error)) from error
