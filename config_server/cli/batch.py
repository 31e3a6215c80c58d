"""`camfleet provision --batch FILE`: a list of names in, tokens on stdout or a folder of ready bundles out."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

from config_server.batch import MOST_BUNDLES, MOST_LINES, BatchLine, read_batch
from config_server.registry import Invalid
from config_server.rest_client import RestClient
from fleet.cli import CommandFailed

MOST_IN_A_FILE = 100_000


def provision_batch(client: RestClient, file: Path, bundle: Path | None) -> None:
    """Register every camera of the file; with `bundle`, a folder for each goes into that new folder."""
    try:
        lines = read_batch(file.read_bytes(), MOST_LINES if bundle is None else MOST_IN_A_FILE)
    except Invalid as error:
        raise CommandFailed(f"{file}: {error}") from error
    if bundle is None:
        typer.echo(client.post_csv("/config/devices/batch", _csv(lines))["csv"], nl=False)
    else:
        make_bundle_folder(bundle)
        _make_bundles(client, lines, bundle)
        typer.echo(f"{len(lines)} cameras are registered; their keys and certificates are in {bundle}.")


def make_bundle_folder(folder: Path) -> None:
    """Make the folder before anything is registered: a bundle is handed out only once."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise CommandFailed(f"{folder} exists already: name a folder that does not") from None


def _make_bundles(client: RestClient, lines: Sequence[BatchLine], folder: Path) -> None:
    for at in range(0, len(lines), MOST_BUNDLES):
        part = lines[at : at + MOST_BUNDLES]
        try:
            answer = client.post_csv("/config/devices/batch/bundles", _csv(part))
        except CommandFailed as error:
            raise _stopped(error, folder, at, part) from error
        for item in answer["items"]:
            _write(folder / Path(item["device_id"]).name, item["files"])
    # One wait for the disk instead of one for each of the files.
    os.sync()


def _stopped(error: CommandFailed, folder: Path, done: int, part: Sequence[BatchLine]) -> CommandFailed:
    """What was made is named, so that the rest can be run again."""
    if done == 0:
        folder.rmdir()
        return error
    return CommandFailed(
        f"{error}; {done} cameras are ready in {folder}, those from line {part[0].number} on are not registered"
    )


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        descriptor = os.open(folder / Path(name).name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)


def _csv(lines: Iterable[BatchLine]) -> str:
    """The lines as the server reads them."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows((line.name, line.site_id or "") for line in lines)
    return written.getvalue()
