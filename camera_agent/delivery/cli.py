"""The commands `camfleet-agent outbox …`: look at what waits, and put a file away that this release cannot use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from camera_agent.delivery import outbox_file
from camera_agent.failures import as_sentences
from camera_agent.lock import held
from camera_agent.settings import find_home
from fleet.cli import CommandFailed, new_app

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The agent's folder [default: CAMFLEET_AGENT_HOME or ./camera]")
]

app = new_app("What waits on this camera until the servers have it.")


@app.command("show")
def show(home: HomeOption = None) -> None:
    """Say how much waits in the outbox, and since when; the agent may be running."""
    path = find_home(home).outbox
    with as_sentences():
        facts = outbox_file.look(path)
    if facts is None:
        raise CommandFailed(f"no outbox {path}, or none that can be read: 'camfleet-agent run' makes or mends it")
    print(f"outbox {facts.outbox} in {path}")
    print(f"events that wait: {facts.rows} ({facts.size_bytes} bytes)")
    if facts.oldest_ms is not None:
        print(f"the oldest waits since {datetime.fromtimestamp(facts.oldest_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC")


@app.command("set-aside")
def set_aside(home: HomeOption = None) -> None:
    """Put the outbox away under another name, so that the next start begins a new one; nothing is deleted."""
    folder = find_home(home)
    if not folder.outbox.exists():
        raise CommandFailed(f"no outbox {folder.outbox}: there is nothing to put aside")
    with as_sentences(), held(folder.lock):
        target = folder.path / f"outbox-{datetime.now(UTC):%Y%m%d-%H%M%S}.db"
        if target.exists():
            raise CommandFailed(f"{target} is there already: run this again in a second")
        outbox_file.move(folder.outbox, target)
    print(f"The outbox is now {target}. What waited in it is not sent unless it is put back.")
