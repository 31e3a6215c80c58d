"""Render nginx's configuration for this host and put it under CAMFLEET_HOME/nginx."""

import os
from pathlib import Path

from deploy.templates import ROOT, fill
from fleet.home import make_private_folder, write_file
from fleet.settings import ServerSettings

SHIPPED = ROOT / "nginx"
INCLUDED = ("routes.conf", "problems.conf")
ROOT_USER_LINE = "user www-data;"
OTHER_USER_LINE = "# not root: nginx's workers run as the caller"


def render_config(settings: ServerSettings, *, as_root: bool) -> str:
    """Return nginx.conf for this host."""
    home = settings.home
    folder = home.path / "nginx"
    return fill(
        (SHIPPED / "nginx.conf.template").read_text(),
        {
            "USER_LINE": ROOT_USER_LINE if as_root else OTHER_USER_LINE,
            "RUN": home.run,
            "LOG": home.log,
            "TEMP": folder / "temp",
            "PKI": home.credentials("nginx").folder,
            "ROUTES": folder / "routes.conf",
            "PROBLEMS": folder / "problems.conf",
            "LISTEN": settings.listen,
            "HTTPS_PORT": settings.https_port,
            "HTTP_PORT": settings.http_port,
            "CRL_PORT": settings.crl_port,
            "DASHBOARD_PORT": settings.dashboard_port,
            "CONFIG_PORT": settings.config_port,
            "FEED_PORT": settings.feed_port,
        },
    )


def write_config(settings: ServerSettings) -> Path:
    """Write the configuration, make the folders it names, and return its path."""
    home = settings.home
    folder = home.path / "nginx"
    for needed in (folder / "temp", home.run, home.log):
        make_private_folder(needed)
    for name in INCLUDED:
        write_file(folder / name, (SHIPPED / name).read_bytes())
    write_file(folder / "nginx.conf", render_config(settings, as_root=os.geteuid() == 0).encode())
    return folder / "nginx.conf"


def nginx_argv(config: Path) -> tuple[str, ...]:
    """Return the command that runs nginx in the foreground; `-e` keeps it off the system's own log files."""
    return ("nginx", "-e", "stderr", "-p", str(config.parent), "-c", str(config), "-g", "daemon off;")
