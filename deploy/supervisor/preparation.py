"""Everything that must be so before anything listens: databases, certificates, CRLs, configuration."""

from deploy.door import config as door
from deploy.logrotate import write_rotation
from deploy.mosquitto import config as broker
from deploy.supervisor.commands import run_own
from fleet.home import make_private_folder
from fleet.settings import ServerSettings


def prepare(settings: ServerSettings) -> None:
    """Migrate, make or renew credentials and CRLs (the host may have been off for a month), render files."""
    for folder in (settings.home.path, settings.home.run, settings.home.log):
        make_private_folder(folder)
    run_own("camfleet", "migrate")
    run_own("camfleet", "ca", "init")
    run_own("camfleet", "ca", "renew")
    render(settings)


def render(settings: ServerSettings) -> None:
    """Write the configuration of everything that is not ours: broker, door, log rotation."""
    # A broker that starts without these denials lets everybody in again who was cut off.
    broker.write_config(settings, denied=run_own("camfleet", "devices", "denied").split())
    door.write_config(settings)
    write_rotation(settings)
