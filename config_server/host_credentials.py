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
from fleet.home import Home, write_file
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
SERVERS = ("srv-ingest-1", "srv-courier-1", "srv-kick-1")
HOLDERS = (BROKER, NGINX, *SERVERS)

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
        self._root_pem = authorities.root_pem
        self._cameras = signer_of(authorities.issuing, settings)
        self._servers = signer_of(authorities.servers_root, settings)
        self._hosts = host_names(settings.public_host)

    def sign_due(self, tx: Transaction, now: datetime) -> list[Renewed]:
        """Make a new key and certificate for every holder whose own is missing, broken or past 2/3 of its life.

        They are recorded now and written once the record is safe: no certificate is in use without one.
        """
        reasons = {holder: self.why_due(holder, now) for holder in HOLDERS}
        return [self._renew(tx, holder, reason, now) for holder, reason in reasons.items() if reason]

    def install(self, renewed: Renewed) -> None:
        """Put a new key and certificate where their holder reads them."""
        files = self._home.credentials(renewed.holder)
        # Power may go between the two: the pair then does not match, and the next start makes a new one.
        write_file(files.key, renewed.key)
        write_file(files.certificate, renewed.chain)

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
        if holder not in SERVERS and not set(self._hosts) <= set(facts.hosts):
            return "this host got another name"
        return "two thirds of its life are over" if facts.is_due(now) else None

    def write_trust(self, issuers: Iterable[Authority]) -> None:
        """Write the CAs that the broker and the server programs trust; `issuers` are those of cameras."""
        broker = self._home.credentials(BROKER).folder
        write_file(broker / "cameras-ca.pem", self._root_pem + b"".join(one.certificate_pem for one in issuers))
        write_file(broker / "servers-ca.pem", self._servers.ca_pem)
        for server in SERVERS:
            write_file(self._home.credentials(server).ca, self._root_pem)

    def _renew(self, tx: Transaction, holder: str, reason: str, now: datetime) -> Renewed:
        key, signer = new_key(), self._signer(holder)
        record = signer.sign(tx, self._profile(holder), public_key_of(key), now)
        chain = record.certificate_pem.encode()
        if signer is self._cameras:
            chain += signer.ca_pem
        return Renewed(holder, reason, chain, key)

    def _signer(self, holder: str) -> Signer:
        return self._servers if holder in SERVERS else self._cameras

    def _profile(self, holder: str) -> Profile:
        if holder in SERVERS:
            return server_profile(holder)
        return host_profile(f"host-{holder}", self._hosts, self._cameras.crl_url)


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
