"""A broker and an ingest of their own for a simulated fleet, with a certificate for each of its cameras."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.simfleet.device import SETTINGS, Device, read_devices
from bench.simfleet.fleet import allow_sockets
from bench.simfleet.host import Host
from fleet.home import CredentialFiles
from fleet.pki import device_profile, new_key, public_key_of
from fleet.settings import ServerSettings
from tests.support.authorities import CRL_URL
from tests.support.broker import Mosquitto, running_broker
from tests.support.dashboard import Site, running_site, site_settings


@dataclass(frozen=True)
class FleetSite:
    """What runs, and where the fleet's bundles lie."""

    broker: Mosquitto
    site: Site
    bundles: Path

    @property
    def settings(self) -> ServerSettings:
        """Settings of broker and ingest alike."""
        return self.site.settings

    @property
    def host(self) -> Host:
        """The programs to watch."""
        return Host.of(self.settings)

    def devices(self, count: int) -> list[Device]:
        """Return so many cameras, each with a certificate of its own."""
        for number in range(len(list(self.bundles.glob("cam-*"))), count):
            self._write_bundle(f"cam-simulated-{number:05}")
        return read_devices(self.bundles, count)

    def _write_bundle(self, device_id: str) -> None:
        # Not through write_file: a thousand of these need not survive a power cut.
        files, key, authorities = CredentialFiles(self.bundles / device_id), new_key(), self.broker.authorities
        leaf = authorities.issuing.issue(device_profile(device_id, CRL_URL), public_key_of(key), datetime.now(UTC))
        files.folder.mkdir(parents=True)
        files.certificate.write_bytes(leaf + authorities.issuing.certificate_pem)
        files.key.write_bytes(key)
        files.ca.write_bytes(authorities.root.certificate_pem)
        address = self.broker.cameras
        lines = {"device_id": f'"{device_id}"', "broker_host": f'"{address.host}"', "broker_port": address.port}
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        (files.folder / SETTINGS).write_text(text)


@contextmanager
def running_fleet_site(home: Path, sockets: int) -> Iterator[FleetSite]:
    """Run broker and ingest under `home`, able to hold so many connections; they log there."""
    allow_sockets(2 * sockets)
    with running_broker(home) as broker:
        broker.files_of("srv-ingest-1")
        ports = {name: getattr(broker.settings, name) for name in ("broker_port", "broker_servers_port")}
        settings = site_settings(home, **ports, log_level="warning")
        with running_site(settings) as site, (home / "ingest.log").open("wb") as log:
            site.output = log
            site.start_ingest()
            yield FleetSite(broker, site, home / "bundles")


def quiet(_: str) -> None:
    """Say nothing of a fleet's progress."""
