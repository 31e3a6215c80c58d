"""The certificates of this host's own parts: broker, nginx and every `srv-*`; renewed into the same files."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from config_server.authorities import ISSUING, SERVERS_ROOT, Authorities
from config_server.revocation import SignedCrl
from config_server.settings import can_be_certified
from config_server.signing import Signer, signer_of
from config_server.store.registry import Transaction
from fleet.access import MOST_INGEST_PROCESSES, ingest_id
from fleet.home import Home, write_file
from fleet.identifiers import is_server_id
from fleet.pki import (
    Authority,
    KeyRefused,
    NotACertificate,
    Profile,
    host_profile,
    new_key,
    public_key_of,
    read_certificate,
    server_profile,
)
from fleet.settings import ServerSettings

BROKER = "broker"
NGINX = "nginx"
COURIER, KICK = "srv-courier-1", "srv-kick-1"

_CRL_FILES = {ISSUING: "cameras.crl.pem", SERVERS_ROOT: "servers.crl.pem"}


@dataclass(frozen=True)
class Renewed:
    """A holder that gets a new certificate, why, and the files' new content."""

    holder: str
    reason: str
    chain: bytes
    key: bytes = field(repr=False)


class HostCredentials:
    """Knows who gets which certificate on this host, and puts it where its reader looks."""

    def __init__(self, settings: ServerSettings, authorities: Authorities) -> None:
        self._home = settings.home
        self._holders = holders_of(settings)
        self._root_pem = authorities.root_pem
        self._cameras = signer_of(authorities.issuing, settings)
        self._servers = signer_of(authorities.servers_root, settings)
        self._hosts = host_names(settings.public_host)

    def sign_due(self, tx: Transaction, now: datetime) -> list[Renewed]:
        """Make a new key and certificate for every holder whose own is missing, broken or past 2/3 of its life.

        They are recorded now and written once the record is safe: no certificate is in use without one.
        """
        reasons = {holder: self.why_due(holder, now) for holder in self._holders}
        return [self._renew(tx, holder, reason, now) for holder, reason in reasons.items() if reason]

    def install(self, renewed: Renewed) -> None:
        """Put a new key and certificate where their holder reads them."""
        files = self._home.credentials(renewed.holder)
        # Power may go between the two: the pair then does not match, and the next start makes a new one.
        write_file(files.key, renewed.key)
        write_file(files.certificate, renewed.chain)

    def revoke_unwanted(self, tx: Transaction, now: datetime) -> list[str]:
        """Revoke the certificates of ingest processes that this host no longer runs, and name these."""
        every = map(ingest_id, range(1, MOST_INGEST_PROCESSES + 1))
        stopped = [name for name in every if name not in self._holders]
        unwanted = [name for name in stopped if self._home.credentials(name).folder.exists()]
        for record in (found for name in unwanted for found in tx.certificates.of_subject(name)):
            if record.revoked_at is None and record.not_after > now:
                tx.certificates.revoke(record.issuer_ski, record.serial, now)
        return unwanted

    def remove(self, holder: str) -> None:
        """Take away the files of a holder whose certificates are revoked."""
        files = self._home.credentials(holder)
        for path in (files.key, files.certificate, files.ca):
            path.unlink(missing_ok=True)
        files.folder.rmdir()

    def why_due(self, holder: str, now: datetime) -> str | None:
        """Why this holder needs a new certificate; None when it does not."""
        files = self._home.credentials(holder)
        try:
            facts = read_certificate(files.certificate.read_bytes())
            matches = facts.public_key == public_key_of(files.key.read_bytes())
        except FileNotFoundError:
            return "it has none"
        except (NotACertificate, KeyRefused):
            return "its files are broken"
        if not matches:
            return "its key belongs to another certificate"
        if facts.issuer_ski != self._signer(holder).authority.ski:
            return "its CA was replaced"
        if not is_server_id(holder) and not set(self._hosts) <= set(facts.hosts):
            return "this host got another name"
        return "two thirds of its life are over" if facts.is_due(now) else None

    def write_trust(self, issuers: Iterable[Authority]) -> None:
        """Write the CAs that the broker and the server programs trust; `issuers` are those of cameras."""
        broker = self._home.credentials(BROKER).folder
        write_file(broker / "cameras-ca.pem", self._root_pem + b"".join(one.certificate_pem for one in issuers))
        write_file(broker / "servers-ca.pem", self._servers.ca_pem)
        for server in filter(is_server_id, self._holders):
            write_file(self._home.credentials(server).ca, self._root_pem)

    def _renew(self, tx: Transaction, holder: str, reason: str, now: datetime) -> Renewed:
        key, signer = new_key(), self._signer(holder)
        record = signer.sign(tx, self._profile(holder), public_key_of(key), now)
        chain = record.certificate_pem.encode()
        if signer is self._cameras:
            chain += signer.ca_pem
        return Renewed(holder, reason, chain, key)

    def _signer(self, holder: str) -> Signer:
        return self._servers if is_server_id(holder) else self._cameras

    def _profile(self, holder: str) -> Profile:
        if is_server_id(holder):
            return server_profile(holder)
        return host_profile(f"host-{holder}", self._hosts, self._cameras.crl_url)


def holders_of(settings: ServerSettings) -> tuple[str, ...]:
    """Return who on this host needs a certificate: broker, nginx and every server session, one per ingest process."""
    return (BROKER, NGINX, *settings.ingest_ports, COURIER, KICK)


def write_broker_crls(home: Home, crls: list[SignedCrl]) -> None:
    """Put fresh, checked lists where the broker reads them; it notices after a reload."""
    for authority, name in _CRL_FILES.items():
        content = b"".join(crl.pem for crl in crls if crl.authority == authority)
        if content:
            write_file(home.credentials(BROKER).folder / name, content)


def host_names(public_host: str) -> tuple[str, ...]:
    """Every name and address under which clients may reach this host's broker and nginx."""
    fqdn = socket.getfqdn()
    names = (public_host, fqdn, "localhost", "127.0.0.1", "::1")
    return tuple(dict.fromkeys(name for name in names if can_be_certified(name)))
