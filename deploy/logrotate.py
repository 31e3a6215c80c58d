"""Render the log rotation for this host's log files into CAMFLEET_HOME/logrotate.conf."""

import getpass
from pathlib import Path

from deploy.templates import ROOT, fill
from fleet.home import write_file
from fleet.settings import ServerSettings

TEMPLATE = ROOT / "logrotate" / "camfleet.template"


def write_rotation(settings: ServerSettings) -> Path:
    """Write the rotation file and return its path."""
    target = settings.home.path / "logrotate.conf"
    values = {"LOG": settings.home.log, "USER": getpass.getuser()}
    write_file(target, fill(TEMPLATE.read_text(), values).encode())
    return target
