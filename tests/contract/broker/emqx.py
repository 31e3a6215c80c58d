"""An EMQX that somebody has started with this repository's emqx/ and certificates of this form."""

from dataclasses import dataclass, field
from pathlib import Path

from fleet.home import CredentialFiles
from fleet.identifiers import is_server_id
from fleet.mqtt import BrokerAddress
from fleet.pki import Authority
from tests.support.authorities import Authorities


@dataclass
class EmqxNode:
    """A node on localhost:8883 and :8884 whose CAs lie in `folder`: {root,issuing,servers-root}.{pem,key}, unencrypted.

    `CAMFLEET_TEST_EMQX` names that folder; emqx/README.md says how a node for tests is started.
    """

    folder: Path
    kicks_by_takeover: bool = False
    shortens_keepalive: bool = False
    authorities: Authorities = field(init=False)

    def __post_init__(self) -> None:
        self.authorities = Authorities(self._authority("root"), self._authority("servers-root"))
        self.authorities.issuing = self._authority("issuing")

    @property
    def cameras(self) -> BrokerAddress:
        return BrokerAddress("localhost", 8883)

    @property
    def servers(self) -> BrokerAddress:
        return BrokerAddress("localhost", 8884)

    def credentials(self, name: str) -> CredentialFiles:
        files = CredentialFiles(self.folder / "clients" / name)
        if not files.certificate.exists():
            self.authorities.write_client(files.folder, name)
        return files

    def address_of(self, name: str) -> BrokerAddress:
        return self.servers if is_server_id(name) else self.cameras

    def _authority(self, name: str) -> Authority:
        certificate = (self.folder / f"{name}.pem").read_bytes()
        return Authority.load(certificate, (self.folder / f"{name}.key").read_bytes(), b"")
