"""Who a simulated camera is: the folder of credentials that `camfleet provision --bundle` hands out."""

import socket
import ssl
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.home import CredentialFiles
from fleet.tls import client_context

SETTINGS = "agent.toml"


class NoBundles(Exception):
    """There are too few bundles; the text says what to do."""


@dataclass(frozen=True)
class Device:
    """A bundle as read: `server` is where the broker's name leads, looked up once for the whole fleet."""

    device_id: str
    credentials: CredentialFiles
    broker_host: str
    server: tuple[str, int]

    def tls(self) -> ssl.SSLContext:
        """Return a context that shows this device's certificate; read anew for each connection, as an agent does."""
        return client_context(self.credentials)


def read_devices(folder: Path, count: int) -> list[Device]:
    """Read so many bundles from a folder of folders; raises NoBundles."""
    found = sorted(path.parent for path in folder.rglob(SETTINGS)) if folder.is_dir() else []
    if len(found) < count:
        raise NoBundles(f"{folder} holds {len(found)} bundles, {count} are needed: make more with `camfleet provision`")
    servers: dict[tuple[str, int], tuple[str, int]] = {}
    return [_read(bundle, servers) for bundle in found[:count]]


def _read(bundle: Path, servers: dict[tuple[str, int], tuple[str, int]]) -> Device:
    said: dict[str, Any] = tomllib.loads((bundle / SETTINGS).read_text())
    named = (str(said["broker_host"]), int(said["broker_port"]))
    if named not in servers:
        servers[named] = _look_up(*named)
    return Device(str(said["device_id"]), CredentialFiles(bundle), named[0], servers[named])


def _look_up(host: str, port: int) -> tuple[str, int]:
    """Prefer the address that answers: a broker on 127.0.0.1 is not reached by ::1."""
    found = [info[4] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        try:
            socket.create_connection((str(address[0]), port), 2.0).close()
        except OSError:
            continue
        return str(address[0]), port
    raise NoBundles(f"nobody listens at {host}:{port}: is the site running?")
