"""The two certificate authorities of a host, made in memory for tests, and credentials signed by them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fleet.home import CredentialFiles, write_file
from fleet.identifiers import is_server_id
from fleet.pki import (
    Authority,
    Profile,
    Revoked,
    device_profile,
    host_profile,
    new_key,
    public_key_of,
    server_profile,
)

CRL_URL = "http://localhost:8081/crl/test.crl"
CRL_LIFE = timedelta(days=7)
HOSTS = ("localhost", "127.0.0.1", "::1")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Authorities:
    """Device root with its issuing CA, and the servers' root; certificates are made when they are asked for."""

    root: Authority = field(default_factory=lambda: Authority.new_root("Camfleet test root", _now()))
    servers_root: Authority = field(default_factory=lambda: Authority.new_root("Camfleet test servers", _now()))
    issuing: Authority = field(init=False)

    def __post_init__(self) -> None:
        self.issuing = self.root.new_issuing("Camfleet test issuing CA", _now())

    def write_broker(self, folder: Path) -> None:
        """Write everything that the broker's configuration names under `folder`."""
        self.write_credentials(folder, self.issuing, host_profile("host-broker", HOSTS))
        write_file(folder / "cameras-ca.pem", self.root.certificate_pem + self.issuing.certificate_pem)
        write_file(folder / "servers-ca.pem", self.servers_root.certificate_pem)
        self.write_crls(folder)

    def write_host(self, folder: Path, common_name: str = "host-nginx") -> CredentialFiles:
        """Write a serverAuth certificate for localhost."""
        return self.write_credentials(folder, self.issuing, host_profile(common_name, HOSTS))

    def write_crls(self, folder: Path, cameras: tuple[int, ...] = (), servers: tuple[int, ...] = ()) -> None:
        """Write both CRLs with the given revoked serials."""
        for name, authority, serials in (
            ("cameras", self.issuing, cameras),
            ("servers", self.servers_root, servers),
        ):
            revoked = [Revoked(serial, _now()) for serial in serials]
            number = int(_now().timestamp() * 1000)
            write_file(folder / f"{name}.crl.pem", authority.sign_crl(revoked, number, _now(), CRL_LIFE))

    def write_client(self, folder: Path, name: str) -> CredentialFiles:
        """Write the credentials of `cam-…` (device root) or `srv-…` (servers' root)."""
        if is_server_id(name):
            return self.write_credentials(folder, self.servers_root, server_profile(name))
        return self.write_credentials(folder, self.issuing, device_profile(name, CRL_URL))

    def write_credentials(self, folder: Path, authority: Authority, profile: Profile) -> CredentialFiles:
        """Make a key, have it certified by `authority`, and write key, chain and the device root."""
        files, key = CredentialFiles(folder), new_key()
        leaf = authority.issue(profile, public_key_of(key), _now())
        chain = leaf + (self.issuing.certificate_pem if authority is self.issuing else b"")
        write_file(files.certificate, chain)
        write_file(files.key, key)
        write_file(files.ca, self.root.certificate_pem)
        return files
