"""A host with a real broker and a real courier on which cameras are cut off, and how long that takes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from config_server.actor import Actor
from config_server.authorities import load_authorities
from config_server.courier.handshake import handshake_refusal
from config_server.cutoff import record_cutoff
from config_server.records import CutoffRecord
from config_server.registry import Change, NewDevice, register_device
from config_server.settings import ConfigSettings
from config_server.signing import signer_of
from config_server.store.registry import Store
from config_server.tokens import EVERY_SCOPE
from deploy.mosquitto.config import write_config
from fleet.home import CredentialFiles, write_file
from fleet.mqtt import BrokerAddress, Session, SessionOptions
from fleet.pki import new_key, public_key_of
from tests.support.config_server import environment_of, prepare_home
from tests.support.loopback import ask
from tests.support.ports import free_port
from tests.support.waiting import wait_until

DEADLINE_S = 30.0


@dataclass
class Camera:
    """A camera that stays connected if it can, and remembers when its connection was closed."""

    device_id: str
    session: Session
    files: CredentialFiles
    closed_at: float = 0.0
    refused: str = ""
    connections: int = 0
    losses: int = 0

    def connected(self, _session_present: bool) -> None:
        self.connections += 1

    def lost(self, reason: str) -> None:
        self.closed_at = self.closed_at or time.monotonic()
        self.refused = reason
        self.losses += 1


@dataclass
class CutoffHost:
    """Broker and courier of one home. `revoke` is what the use case does; the courier sees it by itself."""

    settings: ConfigSettings
    given: dict[str, Any]
    store: Store
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_broker(self) -> None:
        config = write_config(self.settings, denied=self.denied())
        (self.settings.home.run / "broker.pid").unlink(missing_ok=True)
        self._start("broker", ["mosquitto", "-c", str(config)])
        wait_until(self._broker_serves, DEADLINE_S, "the broker takes a server's certificate")

    def start_courier(self) -> None:
        self._start("courier", [sys.executable, "-m", "config_server.courier"])
        wait_until(self._is_well, DEADLINE_S, "the courier is well")

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        process = self._running.pop(name)
        process.send_signal(number)
        process.wait(DEADLINE_S)

    def wait_ended(self, name: str) -> None:
        """Wait for the end of a program that somebody else ends."""
        self._running[name].wait(DEADLINE_S)

    def stop(self) -> None:
        for name in list(self._running):
            self.end(name)
        self.store.close()

    def denied(self) -> list[str]:
        with self.store.reading() as tx:
            return list(tx.devices.denied())

    def make_camera(self, device_id: str) -> Camera:
        """Register a camera and give it a certificate."""
        with self.store.writing() as tx:
            register_device(tx, NewDevice(device_id, device_id), change())
            tx.devices.set_state(device_id, "accepted")
        return self.certify(device_id)

    def certify(self, device_id: str) -> Camera:
        """Give a registered camera a new certificate, as enrolment does."""
        authorities, key = load_authorities(self.settings), new_key()
        signer = signer_of(authorities.issuing, self.settings)
        with self.store.writing() as tx:
            record = signer.sign_device(tx, device_id, public_key_of(key), datetime.now(UTC))
        files = CredentialFiles(self.settings.home.path / "made" / f"{device_id}-{record.serial[:8]}")
        write_file(files.key, key)
        write_file(files.certificate, record.certificate_pem.encode() + signer.ca_pem)
        write_file(files.ca, authorities.root_pem)
        return self.camera(device_id, files)

    def camera(self, device_id: str, files: CredentialFiles) -> Camera:
        address = BrokerAddress("localhost", self.settings.broker_port)
        session = Session(address, files, SessionOptions(client_id=device_id))
        made = Camera(device_id, session, files)
        session.on_connected, session.on_disconnected = made.connected, made.lost
        return made

    def connect(self, camera: Camera) -> None:
        camera.session.start()
        assert camera.session.wait_connected(DEADLINE_S), camera.refused

    def revoke(self, device_id: str) -> None:
        with self.store.writing() as tx:
            record_cutoff(tx, device_id, change())

    def refusal(self, camera: Camera) -> str:
        """What the broker says to the camera's certificate at a fresh handshake; empty when it takes it."""
        address = ("127.0.0.1", self.settings.broker_port)
        return handshake_refusal(address, str(camera.files.ca), camera.files) or ""

    def cutoff(self, device_id: str) -> CutoffRecord:
        with self.store.reading() as tx:
            found = tx.cutoffs.newest_of(device_id)
        assert found
        return found

    def wait_proven(self, device_id: str) -> CutoffRecord:
        wait_until(lambda: self._proven(device_id), DEADLINE_S, f"{device_id} is cut off for good")
        return self.cutoff(device_id)

    def _proven(self, device_id: str) -> bool:
        return self.cutoff(device_id).step == "proven"

    def _broker_serves(self) -> bool:
        # It accepts connections before it has read all of its files: only a handshake says that it has.
        files = self.settings.home.credentials("srv-kick-1")
        try:
            return handshake_refusal(("127.0.0.1", self.settings.broker_servers_port), str(files.ca), files) is None
        except OSError:
            return False

    def _is_well(self) -> bool:
        try:
            health = ask(f"http://127.0.0.1:{self.settings.courier_port}/healthz").json()
        except httpx.TransportError:
            return False
        return bool(health["state"] == "ok")

    def _start(self, name: str, command: list[str]) -> None:
        environment = {"PATH": os.defpath + ":/usr/sbin", **environment_of(self.settings, self.given)}
        log = (self.settings.home.log / f"{name}.out").open("wb")
        with log:
            self._running[name] = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


def change() -> Change:
    """A change by somebody who may do everything, now."""
    return Change(Actor("test", frozenset(EVERY_SCOPE)), None, datetime.now(UTC))


@contextmanager
def cutoff_host(folder: Path, **more: Any) -> Iterator[CutoffHost]:
    """A home whose broker and courier the caller starts."""
    ports = ("broker_port", "broker_servers_port", "courier_port")
    given = {port: free_port() for port in ports} | more
    settings = prepare_home(folder, **given)
    settings.home.log.mkdir(mode=0o700, exist_ok=True)
    host = CutoffHost(settings, given, Store(settings.config_database))
    try:
        yield host
    finally:
        host.stop()


def measure_revocations(runs: int) -> list[float]:
    """Seconds from the use case's call to the closed connection, for cameras that try hard to come back.

    Each of them must be refused afterwards: a camera that comes back fails the measurement.
    """
    with TemporaryDirectory() as folder, cutoff_host(Path(folder) / "home") as host:
        host.start_broker()
        host.start_courier()
        return [_measure(host, f"cam-stolen-{number:03}") for number in range(runs)]


def _measure(host: CutoffHost, device_id: str) -> float:
    camera = host.make_camera(device_id)
    host.connect(camera)
    began = time.monotonic()
    host.revoke(device_id)
    closed_at = wait_until(lambda: camera.closed_at, DEADLINE_S, f"{device_id} is thrown out")
    host.wait_proven(device_id)
    wait_until(lambda: camera.losses > 1, DEADLINE_S, f"{device_id} tried to come back")
    assert camera.connections == 1, f"{device_id} came back"
    assert "CERTIFICATE_REVOKED" in host.refusal(camera)
    camera.session.stop()
    return closed_at - began
