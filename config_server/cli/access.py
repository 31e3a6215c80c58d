"""`camfleet tokens …`, `camfleet certificates`, `camfleet devices audit`: rights, certificates, and what was done."""

from typing import Annotated
from urllib.parse import quote

import typer

from config_server.cli.online import AsJson, Server, TokenFile, client_for, every_page, print_json
from fleet.cli import new_app


def add_access_commands(app: typer.Typer) -> None:
    """Add `tokens …` and `certificates`."""
    tokens = new_app("Make and revoke API tokens (needs a running config_server).")
    tokens.command("list")(list_tokens)
    tokens.command("make")(make_token)
    tokens.command("revoke")(revoke_token)
    app.add_typer(tokens, name="tokens")
    app.command("certificates")(list_certificates)


def make_token(
    label: Annotated[str, typer.Argument(help="what it is for")],
    scope: Annotated[list[str], typer.Option(help="what it may do, e.g. devices:read; give it several times")],
    site: Annotated[list[str] | None, typer.Option(help="only this site; give it several times")] = None,
    days: Annotated[int | None, typer.Option(help="how long it lives (default: until revoked)")] = None,
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """Make a scoped API token and print it, this once."""
    body = {"label": label, "scopes": scope, "sites": site or None, "days": days}
    made = client_for(server, token_file).post("/config/tokens", {k: v for k, v in body.items() if v is not None})
    if as_json:
        print_json(made)
    else:
        typer.echo(made["token"])


def list_tokens(as_json: AsJson = False, server: Server = None, token_file: TokenFile = None) -> None:
    """List the API tokens, never the tokens themselves."""
    items = client_for(server, token_file).get("/config/tokens")["items"]
    if as_json:
        print_json(items)
        return
    for item in items:
        until = f"until {item['expires_at']}" if item["expires_at"] else "for ever"
        state = f"revoked {item['revoked_at']}" if item["revoked_at"] else until
        sites = "every site" if item["sites"] is None else ",".join(item["sites"])
        typer.echo("  ".join([item["id"], item["label"], ",".join(item["scopes"]), sites, state]))


def revoke_token(
    token_id: Annotated[str, typer.Argument(help="its id as 'camfleet tokens list' shows it")],
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """Revoke an API token: it works no longer."""
    client_for(server, token_file).delete(f"/config/tokens/{quote(token_id, safe='')}")
    typer.echo(f"{token_id} is revoked.")


def list_certificates(
    due_before: Annotated[str | None, typer.Option(help="only those that end before, e.g. 2027-01-31T00:00Z")] = None,
    device: Annotated[str | None, typer.Option(help="only those of this device, revoked ones too")] = None,
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """List devices' certificates, those that end first first."""
    client = client_for(server, token_file)
    items = every_page(client, "/config/certificates", due_before=due_before, device=device)
    if as_json:
        print_json(items)
        return
    for item in items:
        state = f"revoked {item['revoked_at']}" if item["revoked_at"] else f"until {item['not_after']}"
        typer.echo("  ".join([item["device_id"], item["serial"], item["purpose"], state]))


def list_audit(
    device: Annotated[str | None, typer.Option(help="only what was done to this device")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="how many of the newest")] = 50,
    as_json: AsJson = False,
    server: Server = None,
    token_file: TokenFile = None,
) -> None:
    """List the newest audit entries: who did what to which device, when, and from where."""
    items = client_for(server, token_file).get("/config/audit", device=device, limit=limit)["items"]
    if as_json:
        print_json(items)
        return
    for item in items:
        where = f"from {item['source']}" if item["source"] else ""
        typer.echo("  ".join([item["at"], item["actor"], item["action"], item["device_id"] or "-", where]).rstrip())
