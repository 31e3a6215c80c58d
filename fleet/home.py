"""Where everything of a host lies under CAMFLEET_HOME, and how files there are written safely."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CredentialFiles:
    """A certificate chain, its key and the CA that the holder trusts, as files."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """Return the chain: leaf first, then the issuing CA where there is one."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """Return the private key (0600)."""
        return self.folder / "key.pem"

    @property
    def ca(self) -> Path:
        """Return the root that the other side's certificate must lead to."""
        return self.folder / "ca.pem"


@dataclass(frozen=True)
class Home:
    """The state folder of one host; nothing of Camfleet is written outside it."""

    path: Path

    @property
    def config_database(self) -> Path:
        """Return the SQLite file of config_server."""
        return self.path / "config.db"

    @property
    def events_database(self) -> Path:
        """Return the SQLite file of dashboard."""
        return self.path / "events.db"

    @property
    def pki(self) -> Path:
        """Return the folder of CAs and credentials."""
        return self.path / "pki"

    @property
    def authorities(self) -> Path:
        """Return the folder of CA certificates and encrypted CA keys; only config_server reads it."""
        return self.pki / "ca"

    @property
    def run(self) -> Path:
        """Return the folder of pid files and process records."""
        return self.path / "run"

    @property
    def log(self) -> Path:
        """Return the folder of log files."""
        return self.path / "log"

    @property
    def access_file(self) -> Path:
        """Return Mosquitto's ACL file: rendered at every start, and by the courier when a device is cut off."""
        return self.path / "broker" / "fleet.acl"

    @property
    def cameras(self) -> Path:
        """Return the folder of camera agents that run on this host."""
        return self.path / "cameras"

    def secret(self, name: str) -> Path:
        """Return the file of a generated secret: ca.key, session.key, ingest.group and their like."""
        return self.path / "secrets" / name

    def credentials(self, holder: str) -> CredentialFiles:
        """Return the files of `broker`, `nginx` or a server's MQTT session such as `srv-ingest-1`."""
        return CredentialFiles(self.pki / holder)


def make_private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can enter, with its parents."""
    # mkdir(parents=True) would give the parents the default mode.
    if not folder.parent.exists():
        make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace a file in one step and make it durable: readers see the old bytes or the new ones, never a part."""
    make_private_folder(path.parent)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def move_file(source: Path, target: Path) -> None:
    """Put a file that `write_file` wrote in the place of another of the same folder, in one durable step."""
    source.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make what was made, renamed or removed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
