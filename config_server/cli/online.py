"""What every command that speaks REST shares: where the server is, with which token, and how lists are read."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from config_server.rest_client import RestClient
from config_server.settings import ConfigSettings
from fleet.settings import load

Server = Annotated[str | None, typer.Option(help="config_server's address (default: this host's)")]
TokenFile = Annotated[Path | None, typer.Option(help="file with an API token (default: this host's admin)")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for programs")]


def client_for(server: str | None, token_file: Path | None) -> RestClient:
    """The server that the options name, or this host's."""
    return RestClient.of(load(ConfigSettings), server, token_file)


def every_page(client: RestClient, path: str, **query: str | int | None) -> list[dict[str, Any]]:
    """All items of a list, page after page."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.get(path, cursor=cursor, limit=500, **query)
        found += page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return found


def print_json(value: Any) -> None:
    """One line for programs, in the script of the names in it."""
    typer.echo(json.dumps(value, ensure_ascii=False))
