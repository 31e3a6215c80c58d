"""What ./managed_start.sh asks of Python: start, demo, stop, restart, status, logs, doctor, and the daemon itself."""

import logging
import os
import signal
import sys
import time
from typing import Annotated

import typer

from deploy.supervisor import demo as demo_cameras
from deploy.supervisor.commands import run_own
from deploy.supervisor.control import (
    NotPossible,
    await_healthy,
    launch_supervisor,
    one_at_a_time,
    reconcile,
    refuse_busy_ports,
    supervisor_of,
)
from deploy.supervisor.control import stop as stop_site
from deploy.supervisor.doctor import examine, told
from deploy.supervisor.loop import Supervisor
from deploy.supervisor.preparation import prepare
from deploy.supervisor.programs import site_of
from deploy.supervisor.site import Site
from deploy.supervisor.status import as_json, as_table, read_status
from fleet.cli import CommandFailed, new_app, run
from fleet.logs import configure
from fleet.settings import ServerSettings, load

HEALTHY_WITHIN_S = 90.0
app = new_app("Supervise Camfleet's programs on this host; called by ./managed_start.sh.")


@app.command()
def setup() -> None:
    """Make databases, CAs, certificates and configuration; safe to run again."""
    settings = load(ServerSettings)
    with one_at_a_time(site_of(settings)):
        prepare(settings)
    print(f"set up in {settings.home.path}; go on with ./managed_start.sh demo or start")


@app.command()
def start(foreground: Annotated[bool, typer.Option(help="stay until Ctrl-C, then stop")] = False) -> None:
    """Start what is not running, adopt what lives on, and return once all is healthy."""
    settings = load(ServerSettings)
    _bring_up(settings)
    _welcome(settings, run_own("camfleet", "people", "ensure-admin"))
    if foreground:
        _stay(site_of(settings))


@app.command()
def demo() -> None:
    """Start the servers and three demo cameras on the committed clip."""
    settings = load(ServerSettings)
    site = site_of(settings)
    _bring_up(settings)
    admin = run_own("camfleet", "people", "ensure-admin")
    with one_at_a_time(site):
        demo_cameras.make_demo_cameras(settings)
        reconcile(site)
        await_healthy(site, HEALTHY_WITHIN_S)
    _welcome(settings, admin)
    print("Three demo cameras watch a recorded plaza at 5 frames a second; people in it become events.")
    print("Next: open Fleet, then a camera, then Review. ./managed_start.sh status shows the programs,")
    print("./managed_start.sh stop ends everything.")


@app.command()
def stop() -> None:
    """Stop everything in reverse order and see that nothing is left."""
    site = site_of(load(ServerSettings))
    with one_at_a_time(site):
        remains = stop_site(site)
    if remains:
        raise CommandFailed(f"left behind: {', '.join([*remains.processes, *remains.ports])}")
    print("stopped")


@app.command()
def restart() -> None:
    """Stop, then start."""
    stop()
    start()


@app.command()
def status(as_data: Annotated[bool, typer.Option("--json", help="JSON for scripts")] = False) -> None:
    """Show every program; exit 0 all healthy, 1 degraded, 3 not running."""
    found = read_status(site_of(load(ServerSettings)))
    print(as_json(found) if as_data else as_table(found))
    raise typer.Exit(found.exit_code)


@app.command()
def logs(program: Annotated[str, typer.Argument(help="one program; empty for all")] = "") -> None:
    """Follow the log files until Ctrl-C."""
    site = site_of(load(ServerSettings))
    files = [site.log_file(program)] if program else sorted(site.log_folder.glob("*.log"))
    if not files or not all(file.exists() for file in files):
        known = ", ".join(sorted(file.stem for file in site.log_folder.glob("*.log"))) or "none yet"
        raise CommandFailed(f"no log of {program or 'any program'}; there is: {known}", exit_code=2)
    os.execvp("tail", ["tail", "-n", "50", "-F", *map(str, files)])  # noqa: S606 tail does this better than we would


@app.command()
def doctor() -> None:
    """Look for what commonly goes wrong, and name the fix."""
    settings = load(ServerSettings)
    findings = examine(settings, site_of(settings))
    print(told(findings))
    raise typer.Exit(1 if any(finding.is_fault for finding in findings) else 0)


@app.command(hidden=True)
def daemon() -> None:
    """Run the supervisor itself."""
    settings = load(ServerSettings)
    configure("supervisor", settings.log_level)
    # A line for every probe would bury what happened.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    Supervisor(site_of(settings)).run()


def main() -> None:
    """Run a command; what cannot be done is one line and an exit code."""
    try:
        run(app, "managed_start")
    except NotPossible as refusal:
        print(f"managed_start: {refusal}", file=sys.stderr)
        sys.exit(refusal.exit_code)


def _bring_up(settings: ServerSettings) -> None:
    site = site_of(settings)
    with one_at_a_time(site):
        if supervisor_of(site) is None:
            refuse_busy_ports(site)
            prepare(settings)
            launch_supervisor(site)
        await_healthy(site, HEALTHY_WITHIN_S)


def _welcome(settings: ServerSettings, admin: str) -> None:
    print(f"Camfleet is up: {settings.url}  (on this host also http://localhost:{settings.http_port})")
    print(admin.strip())


def _stay(site: Site) -> None:
    """Wait for Ctrl-C, SIGTERM or the supervisor's end; then stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("staying in the foreground; Ctrl-C stops everything", flush=True)
    try:
        while supervisor_of(site):
            time.sleep(0.5)
    except KeyboardInterrupt:
        stop()
        return
    raise CommandFailed("the supervisor has ended; see ./managed_start.sh status")
