"""The CAs of this host on disk: made once, keys encrypted, loaded by whoever signs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fleet.home import Home, write_file
from fleet.pki import Authority, KeyRefused, NotACertificate
from fleet.settings import ServerSettings

ROOT = "root"
ISSUING = "issuing"
SERVERS_ROOT = "servers-root"


class AuthorityMissing(Exception):
    """A CA's file is missing or unusable; the text says which and what to do."""


@dataclass(frozen=True)
class Authorities:
    """Every CA in memory. The device root's key may be kept elsewhere: then `root` is None."""

    root_pem: bytes
    root: Authority | None
    issuing: Authority
    servers_root: Authority


def make_missing(settings: ServerSettings, now: datetime) -> list[str]:
    """Make every CA that is not there yet; one line for each that was made."""
    made = []
    passphrase = _passphrase(settings)
    for name in (ROOT, SERVERS_ROOT):
        if not _certificate(settings.home, name).exists():
            root = Authority.new_root(f"Camfleet {name.replace('-', ' ')} {now:%Y-%m-%d}", now)
            _save(settings.home, name, root, passphrase)
            made.append(f"made the CA {name}")
    if not _certificate(settings.home, ISSUING).exists():
        issuing = _load(settings.home, ROOT, passphrase).new_issuing(f"Camfleet issuing {now:%Y-%m-%d}", now)
        _save(settings.home, ISSUING, issuing, passphrase)
        made.append(f"made the CA {ISSUING}")
    return made


def load_authorities(settings: ServerSettings) -> Authorities:
    """Read every CA; AuthorityMissing names the file that is not right."""
    home, passphrase = settings.home, _passphrase(settings)
    root_is_here = _key(home, ROOT).exists()
    return Authorities(
        root_pem=_read(_certificate(home, ROOT)),
        root=_load(home, ROOT, passphrase) if root_is_here else None,
        issuing=_load(home, ISSUING, passphrase),
        servers_root=_load(home, SERVERS_ROOT, passphrase),
    )


def _save(home: Home, name: str, authority: Authority, passphrase: bytes) -> None:
    # The certificate comes last: without it the CA counts as not made, and an interrupted init starts over.
    write_file(_key(home, name), authority.protected_key(passphrase))
    write_file(_certificate(home, name), authority.certificate_pem)


def _load(home: Home, name: str, passphrase: bytes) -> Authority:
    try:
        return Authority.load(_read(_certificate(home, name)), _read(_key(home, name)), passphrase)
    except (KeyRefused, NotACertificate) as error:
        raise AuthorityMissing(f"the CA {name} in {home.authorities} is not usable: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise AuthorityMissing(f"{path} is missing: run 'camfleet ca init', or restore it from a backup") from None


def _passphrase(settings: ServerSettings) -> bytes:
    passphrase = _read(settings.ca_passphrase_file).strip()
    if not passphrase:
        raise AuthorityMissing(f"{settings.ca_passphrase_file} is empty: it must hold the CA keys' passphrase")
    return passphrase


def _certificate(home: Home, name: str) -> Path:
    return home.authorities / f"{name}.pem"


def _key(home: Home, name: str) -> Path:
    return home.authorities / f"{name}.key"
