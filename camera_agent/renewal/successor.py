"""The next key and certificate on disk, beside the ones in use, and their change of places: safe at every write.

At each moment either `home/` or `home/renewal/` holds a whole pair that the servers take, whatever was written last.
"""

from __future__ import annotations

from pathlib import Path

from camera_agent.home import AgentHome
from fleet.home import CredentialFiles, make_private_folder, sync_folder, write_file
from fleet.pki import CertificateFacts, KeyRefused, NotACertificate, new_key, public_key_of, read_certificate

FILES = ("key.pem", "certificate.pem", "ca.pem")


class SuccessorRefused(Exception):
    """The servers answered with a certificate that is not for this camera's next key."""


def prepare_next_key(home: AgentHome) -> bytes:
    """Make the next key, on disk before anybody hears of it; one left by an interrupted renewal is used again."""
    sweep(home)
    make_private_folder(home.renewal.folder)
    sync_folder(home.path)
    ours = _public_half(home.renewal.key)
    if ours is None or ours == _public_half(home.credentials.key):
        write_file(home.renewal.key, new_key())
    write_file(home.renewal.ca, home.credentials.ca.read_bytes(), mode=0o644)
    return home.renewal.key.read_bytes()


def take_certificate(home: AgentHome, chain: bytes) -> CertificateFacts:
    """Put the certificate of the next key beside it; raises SuccessorRefused when it is another's."""
    try:
        facts = read_certificate(chain)
    except NotACertificate as error:
        raise SuccessorRefused(f"the answer to the renewal is unusable: {error}") from error
    if facts.public_key != _public_half(home.renewal.key) or facts.common_name != _name_in_use(home):
        raise SuccessorRefused("the answer to the renewal is not a certificate of this camera's next key")
    write_file(home.renewal.certificate, chain, mode=0o644)
    return facts


def waiting(home: AgentHome) -> CertificateFacts | None:
    """Return the facts of the pair that waits to be used; None when there is none, or none that is whole."""
    facts = _whole_pair(home.renewal)
    return facts if facts is not None and home.renewal.ca.is_file() else None


def install(home: AgentHome) -> None:
    """Copy the waiting pair to the place of the one in use; after a crash in between `finish` does the rest."""
    write_file(home.credentials.key, home.renewal.key.read_bytes())
    write_file(home.credentials.certificate, home.renewal.certificate.read_bytes(), mode=0o644)


def discard(home: AgentHome) -> None:
    """Remove the waiting pair: it is installed, or another identity takes its place."""
    for file in (home.renewal.key, home.renewal.certificate, home.renewal.ca):
        file.unlink(missing_ok=True)


def finish(home: AgentHome) -> None:
    """Complete a change of places that a crash interrupted, and remove what it left half written."""
    sweep(home)
    in_use, next_one = _public_half(home.credentials.key), _public_half(home.renewal.key)
    if next_one is not None and next_one == in_use and _whole_pair(home.renewal) is not None:
        install(home)
    if next_one in (None, in_use):
        discard(home)


def sweep(home: AgentHome) -> None:
    """Remove files that were being written when the process was killed."""
    for folder in (home.path, home.renewal.folder):
        for name in FILES:
            for half in folder.glob(f".{name}.*.new"):
                half.unlink(missing_ok=True)


def _whole_pair(files: CredentialFiles) -> CertificateFacts | None:
    try:
        facts = read_certificate(files.certificate.read_bytes())
    except (FileNotFoundError, NotACertificate):
        return None
    return facts if _public_half(files.key) == facts.public_key else None


def _name_in_use(home: AgentHome) -> str:
    return read_certificate(home.credentials.certificate.read_bytes()).common_name


def _public_half(key: Path) -> bytes | None:
    try:
        return public_key_of(key.read_bytes())
    except (FileNotFoundError, KeyRefused):
        return None
