"""The programs of one host: Camfleet's servers always, and the cameras whose homes lie under CAMFLEET_HOME."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from deploy.door.config import nginx_argv
from deploy.supervisor.probes import LOOPBACK, AgentProbe, HttpProbe, TlsProbe
from deploy.supervisor.program import Address, Program
from deploy.supervisor.site import Site
from fleet.settings import ServerSettings

# Stages of stopping: cameras first, then the door, then the servers behind it, and the broker last.
BROKER, SERVERS, DOOR, CAMERAS = range(4)
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"


def site_of(settings: ServerSettings) -> Site:
    """Return this host's site; its wanted programs are read anew whenever they are asked for."""
    home = settings.home
    daemon = (sys.executable, "-m", "deploy.supervisor", "daemon")
    return Site(home.run, home.log, lambda: [*server_programs(settings), *camera_programs(settings)], daemon)


def server_programs(settings: ServerSettings) -> list[Program]:
    """Return the servers in start order. The door opens last, when there is something behind it."""
    return [
        _broker(settings),
        _web("config_server", "config_server", settings.config_port),
        _worker("courier", "config_server.courier", settings.courier_port, ("broker", "config_server")),
        *_ingest(settings),
        *_forwarder(settings),
        _web("dashboard", "dashboard", settings.dashboard_port),
        _web("feed", "dashboard.feed", settings.feed_port),
        _nginx(settings),
    ]


def camera_programs(settings: ServerSettings) -> list[Program]:
    """Return an agent for every camera home on this host."""
    homes = sorted(file.parent for file in settings.home.cameras.glob("cam-*/agent.toml"))
    return [_camera(home) for home in homes]


def system_command(name: str) -> str:
    """Return where a system program lies; service binaries are often not on a person's PATH."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_FOLDERS) or name


def own_command(name: str) -> str:
    """Return a command of this installation's virtual environment."""
    return str(Path(sys.executable).with_name(name))


def _broker(settings: ServerSettings) -> Program:
    home = settings.home
    return Program(
        name="broker",
        stage=BROKER,
        argv=(system_command("mosquitto"), "-c", str(home.path / "broker" / "mosquitto.conf")),
        probe=TlsProbe(settings.broker_servers_port, home.credentials("srv-ingest-1").ca),
        addresses=(
            Address(settings.listen, settings.broker_port),
            Address(LOOPBACK, settings.broker_servers_port),
        ),
    )


def _nginx(settings: ServerSettings) -> Program:
    command, *rest = nginx_argv(settings.home.path / "nginx" / "nginx.conf")
    return Program(
        name="nginx",
        argv=(system_command(command), *rest),
        probe=HttpProbe(f"http://{LOOPBACK}:{settings.http_port}/nginx-healthz"),
        needs=("config_server", "dashboard", "feed"),
        stage=DOOR,
        addresses=(
            Address(settings.listen, settings.https_port),
            Address(LOOPBACK, settings.http_port),
            Address(settings.listen, settings.crl_port),
        ),
    )


def _web(name: str, package: str, port: int) -> Program:
    argv = (own_command("gunicorn"), "-c", f"python:{package}.gunicorn_conf", f"{package}.wsgi:app")
    return Program(name, argv, _health_of(port), addresses=(Address(LOOPBACK, port),), stage=SERVERS)


def _worker(name: str, module: str, port: int, needs: tuple[str, ...]) -> Program:
    argv = (sys.executable, "-m", module)
    return Program(name, argv, _health_of(port), needs, (Address(LOOPBACK, port),), stage=SERVERS)


def _ingest(settings: ServerSettings) -> Iterator[Program]:
    for process, port in enumerate(settings.ingest_ports.values(), start=1):
        first = _worker("ingest", "dashboard.ingest", port, ("broker",))
        more = replace(first, name=f"ingest-{process}", argv=(*first.argv, "--process", str(process)))
        yield first if process == 1 else more


def _forwarder(settings: ServerSettings) -> Iterator[Program]:
    # It needs nobody: what it reads is in the database, and what it writes to is waited for.
    if settings.forwards:
        yield _worker("forwarder", "dashboard.forwarder", settings.forwarder_port, ())


def _camera(home: Path) -> Program:
    argv = (own_command("camfleet-agent"), "run", "--home", str(home))
    return Program(home.name, argv, AgentProbe(home / "state.json"), needs=("broker",), stage=CAMERAS)


def _health_of(port: int) -> HttpProbe:
    return HttpProbe(f"http://{LOOPBACK}:{port}/healthz")
