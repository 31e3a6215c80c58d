"""Render Mosquitto's configuration for this host and put it under CAMFLEET_HOME/broker."""

import os
from collections.abc import Iterable
from pathlib import Path

from deploy.templates import fill
from fleet.access_file import render_access_file
from fleet.home import make_private_folder, write_file
from fleet.settings import ServerSettings

TEMPLATE = Path(__file__).with_name("mosquitto.conf.template")
ROOT_USER_LINE = "user root"
OTHER_USER_LINE = "# not root: Mosquitto runs as the caller"


def render_config(settings: ServerSettings, *, as_root: bool) -> str:
    """Return mosquitto.conf for this host."""
    home = settings.home
    return fill(
        TEMPLATE.read_text(),
        {
            "USER_LINE": ROOT_USER_LINE if as_root else OTHER_USER_LINE,
            "RUN": home.run,
            "BROKER": home.path / "broker",
            "LOG": home.log,
            "PKI": home.credentials("broker").folder,
            "CAMERAS_PORT": settings.broker_port,
            "SERVERS_PORT": settings.broker_servers_port,
            "LISTEN": settings.listen,
        },
    )


def write_config(settings: ServerSettings, denied: Iterable[str] = ()) -> Path:
    """Write configuration and access rules, make the folders they name, and return the configuration's path."""
    home = settings.home
    folder = home.path / "broker"
    for needed in (folder / "data", home.run, home.log):
        make_private_folder(needed)
    (home.log / "broker.log").touch(mode=0o600)
    write_file(home.access_file, render_access_file(denied).encode())
    write_file(folder / "mosquitto.conf", render_config(settings, as_root=os.geteuid() == 0).encode())
    return folder / "mosquitto.conf"
