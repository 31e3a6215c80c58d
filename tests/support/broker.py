"""A real Mosquitto with mutual TLS for anybody's tests, on the configuration that production runs."""

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deploy.mosquitto.config import write_config
from fleet.home import CredentialFiles
from fleet.identifiers import is_server_id
from fleet.mqtt import BrokerAddress
from fleet.pki import read_certificate
from fleet.settings import ServerSettings, load
from tests.support.authorities import Authorities
from tests.support.ports import free_port
from tests.support.waiting import wait_until

START_S = 10.0


@dataclass
class Mosquitto:
    """One broker in a folder of its own. Its state outlives `stop`, `kill` and `restart`."""

    settings: ServerSettings
    authorities: Authorities = field(default_factory=Authorities)
    kicks_by_takeover: bool = True
    shortens_keepalive: bool = True
    _process: subprocess.Popen[bytes] | None = None
    _revoked: set[int] = field(default_factory=set)

    @property
    def cameras(self) -> BrokerAddress:
        """Where cameras connect."""
        return BrokerAddress("localhost", self.settings.broker_port)

    @property
    def servers(self) -> BrokerAddress:
        """Where server programs connect."""
        return BrokerAddress("localhost", self.settings.broker_servers_port)

    @property
    def log(self) -> str:
        """What the broker has written so far."""
        return (self.settings.home.log / "broker.log").read_text()

    def address_of(self, name: str) -> BrokerAddress:
        """Where `cam-…` or `srv-…` connects."""
        return self.servers if is_server_id(name) else self.cameras

    def files_of(self, name: str) -> CredentialFiles:
        """Credentials of `cam-…` or `srv-…` as files, made at the first call."""
        files = self.settings.home.credentials(name)
        if not files.certificate.exists():
            self.authorities.write_client(files.folder, name)
        return files

    def credentials(self, name: str) -> CredentialFiles:
        """Credentials of `cam-…` or `srv-…` as a session wants them."""
        return self.files_of(name)

    @property
    def is_running(self) -> bool:
        """Say whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the broker and wait until it takes connections."""
        config = write_config(self.settings)
        self._process = subprocess.Popen(["mosquitto", "-c", str(config)], stdin=subprocess.DEVNULL)
        wait_until(self._answers, START_S, f"broker listens; its log: {self.log}")

    def stop(self) -> None:
        """Stop it as a supervisor does; it saves its database."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it as a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start, with the same state."""
        self.stop()
        self.start()

    def revoke(self, name: str) -> None:
        """Put the certificate of `name` on its CRL and have the broker read it; live sessions go on."""
        self._revoked.add(read_certificate(self.files_of(name).certificate.read_bytes()).serial)
        serials = tuple(self._revoked)
        self.authorities.write_crls(self.settings.home.credentials("broker").folder, serials, serials)
        self.reload()

    def deny(self, *device_ids: str) -> None:
        """Deny these devices everything (and nobody else) and have the broker read it."""
        write_config(self.settings, denied=device_ids)
        self.reload()

    def reload(self) -> None:
        """Have the broker read its access rules and CRLs again, and wait until it says so."""
        seen = self.log.count("Reloading config.")
        wait_until(lambda: self._reloaded_since(seen), START_S, "broker reloads")

    def _reloaded_since(self, seen: int) -> bool:
        # Mosquitto forgets a SIGHUP that comes while it is still busy with the one before: ask until it answers.
        assert self._process
        self._process.send_signal(signal.SIGHUP)
        with contextlib.suppress(AssertionError):
            return wait_until(lambda: self.log.count("Reloading config.") > seen, 0.5, "broker reloads")
        return False

    def _end(self, number: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(number)
            self._process.wait(START_S)
            self._process = None

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, f"the broker ended: {self.log}"
        ports = (self.settings.broker_port, self.settings.broker_servers_port)
        return all(_accepts(port) for port in ports)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running_broker(home: Path) -> Iterator[Mosquitto]:
    """Run a broker on free ports with its state, CAs and credentials under `home` (a CAMFLEET_HOME)."""
    settings = load(ServerSettings, CAMFLEET_HOME=home, broker_port=free_port(), broker_servers_port=free_port())
    broker = Mosquitto(settings)
    broker.authorities.write_broker(settings.home.credentials("broker").folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
