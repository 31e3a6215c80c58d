"""The command `camfleet-agent`: enrol, run, check, replay."""

from __future__ import annotations

import re
import signal
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from camera_agent.checks import check_everything
from camera_agent.delivery import cli as outbox_cli
from camera_agent.enrolment.enrol import EnrolmentWish, enrol
from camera_agent.enrolment.exchange import clock_error_s
from camera_agent.enrolment.on_sight import Bystander, SightWish, enrol_on_sight
from camera_agent.failures import as_sentences
from camera_agent.recording import run_replay
from camera_agent.settings import find_home, origins, read_settings
from camera_agent.starting import run_agent
from fleet.cli import CommandFailed, new_app, run
from fleet.logs import configure
from fleet.pki import read_token

CLOCK_TROUBLE_S = 300.0

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The agent's folder [default: CAMFLEET_AGENT_HOME or ./camera]")
]

app = new_app("A camera that thinks for itself: detect on the device, remember until delivered.")
app.add_typer(outbox_cli.app, name="outbox")


@app.command("enroll")
def enroll(
    server: Annotated[str, typer.Option("--server", help="The servers' address, https://…")],
    token: Annotated[str | None, typer.Option("--token", help="The enrolment token, ID.XXXX-XXXX-XXXX-XXXX")] = None,
    show_code: Annotated[bool, typer.Option("--show-code", help="Without a token: show a code to compare")] = False,
    name: Annotated[str | None, typer.Option("--name", help="With --show-code: how to be called [host name]")] = None,
    ca: Annotated[Path | None, typer.Option("--ca", help="The servers' root, if you already have it")] = None,
    home: HomeOption = None,
    source: Annotated[str | None, typer.Option("--source", help="The first stream's source")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an identity that is there")] = False,
) -> None:
    """Get this device its certificate; the server proves itself before it is told anything."""
    folder = find_home(home)
    with as_sentences():
        root = ca.read_bytes() if ca else None
        if token is not None and not show_code:
            answer = enrol(folder, EnrolmentWish(server, read_token(token), root, source, force))
        elif show_code and token is None:
            wish = SightWish(server, name or socket.gethostname(), root, source, force)
            answer = enrol_on_sight(folder, wish, _bystander())
        else:
            raise CommandFailed("give either --token with the enrolment token, or --show-code")
    print(f"Enrolled as {answer.device_id}. Key and certificate are in {folder.path}.")
    if abs(clock_error_s(answer, datetime.now(UTC))) > CLOCK_TROUBLE_S:
        print(f"This device's clock is {clock_error_s(answer, datetime.now(UTC)):+.0f} s from the server's: set it.")
    print(f"Next: camfleet-agent check --home {folder.path}, then camfleet-agent run --home {folder.path}")


def _bystander() -> Bystander:
    """The person at this terminal; where there is none, the page alone decides."""
    asked = sys.stdin.isatty()
    return Bystander(print, lambda question: not asked or typer.confirm(question), time.sleep)


@app.command("run")
def run_command(
    home: HomeOption = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="Write every decided event here too, as JSON lines")
    ] = None,
) -> None:
    """Watch the streams and report events, until stopped."""
    folder = find_home(home)
    settings = read_settings(folder)
    if ledger:
        settings = settings.model_copy(update={"ledger": ledger.absolute()})
    configure("camera_agent", settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    with as_sentences():
        run_agent(folder, settings, stopping)


@app.command("check")
def check(home: HomeOption = None) -> None:
    """Show every setting and where it came from, and look at all that the agent needs."""
    folder = find_home(home)
    settings = read_settings(folder)
    values = settings.model_dump(mode="json", exclude_none=True)
    for name, origin in origins(folder).items():
        print(f"{name} = {_without_password(values.get(name, 'not set'))}  ({origin})")
    findings = check_everything(folder, settings, datetime.now(UTC))
    for finding in findings:
        print(f"{'ok ' if finding.is_good else 'BAD'}  {finding.what}: {_without_password(finding.said)}")
    wrong = sum(not finding.is_good for finding in findings)
    if wrong:
        raise CommandFailed(f"{wrong} of {len(findings)} checks failed: mend them in the order shown")


@app.command("replay")
def replay_command(
    source: Annotated[str, typer.Argument(help="file:PATH, folder:PATH or a path")],
    tracks: Annotated[Path, typer.Option("--tracks", help="Every frame's tracks go here, as MOTChallenge text")],
    events: Annotated[Path, typer.Option("--events", help="The events go here, as JSON lines")],
) -> None:
    """Run the shipping pipeline over a recording as fast as it goes."""
    with as_sentences():
        figures = run_replay(source, tracks, events)
    print(f"{figures.frames} frames, {figures.tracks} tracks, {figures.events} events")


def _without_password(said: object) -> str:
    return re.sub(r"//[^/@\s]+@", "//…@", str(said))


def main() -> NoReturn:
    """Run `camfleet-agent`."""
    run(app, "camfleet-agent")
