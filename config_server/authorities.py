"""The CAs of this host on disk: made once, keys encrypted, loaded by whoever signs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fleet.home import Home, write_file
from fleet.pki import Authority, KeyRefused, NotACertificate, ski_of
from fleet.settings import ServerSettings

ROOT = "root"
ISSUING = "issuing"
SERVERS_ROOT = "servers-root"


class AuthorityMissing(Exception):
    """A CA's file is missing or unusable; the text says which and what to do."""


@dataclass(frozen=True)
class Authorities:
    """Every CA in memory. The device root's key may be kept elsewhere: then `root` is None.

    `others` are issuing CAs that sign no certificates: those of before, and a new one until it is put to work.
    """

    root_pem: bytes
    root: Authority | None
    issuing: Authority
    servers_root: Authority
    others: tuple[Authority, ...] = ()


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
    issuing = _load_issuing(home, passphrase)
    every = [_load(home, file.stem, passphrase) for file in sorted(home.authorities.glob(f"{ISSUING}-*.pem"))]
    return Authorities(
        root_pem=_read(_certificate(home, ROOT)),
        root=_load(home, ROOT, passphrase) if root_is_here else None,
        issuing=issuing,
        servers_root=_load(home, SERVERS_ROOT, passphrase),
        others=tuple(one for one in every if one.ski != issuing.ski),
    )


def save_issuing(settings: ServerSettings, authority: Authority) -> None:
    """Keep an issuing CA under a name of its own, beside the one that is at work."""
    _save(settings.home, _name_of(authority.ski), authority, _passphrase(settings))


def put_to_work(settings: ServerSettings, authority: Authority) -> None:
    """Let a saved issuing CA sign from now on: one rename decides, and its key is found by its name."""
    write_file(_certificate(settings.home, ISSUING), authority.certificate_pem)
    _key(settings.home, ISSUING).unlink(missing_ok=True)


def issuing_file(home: Home) -> Path:
    """The certificate that names the issuing CA at work."""
    return _certificate(home, ISSUING)


def root_files(home: Home) -> tuple[Path, Path]:
    """Certificate and encrypted key of the device root; the key may be kept elsewhere."""
    return _certificate(home, ROOT), _key(home, ROOT)


def _load_issuing(home: Home, passphrase: bytes) -> Authority:
    """The CA that `issuing.pem` names; its key lies beside it, or, since a rotation, under the CA's own name."""
    certificate = _read(_certificate(home, ISSUING))
    try:
        own = _key(home, _name_of(ski_of(certificate)))
        return Authority.load(certificate, _read(own if own.exists() else _key(home, ISSUING)), passphrase)
    except (KeyRefused, NotACertificate) as error:
        raise AuthorityMissing(f"the CA {ISSUING} in {home.authorities} is not usable: {error}") from error


def _name_of(ski: str) -> str:
    return f"{ISSUING}-{ski[:16]}"


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
