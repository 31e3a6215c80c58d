"""The device's identity on disk: a key made here, its certificate, and their change of places after a crash too."""

from __future__ import annotations

from pathlib import Path

from camera_agent.home import AgentHome
from fleet.home import make_private_folder, write_file
from fleet.pki import CertificateFacts, KeyRefused, NotACertificate, new_key, public_key_of, read_certificate


class IdentityUnusable(Exception):
    """There is no identity, or its files do not belong together; the text says what to do."""


def read_identity(home: AgentHome) -> CertificateFacts:
    """Return the certificate's facts when key and certificate are there and belong together."""
    files = home.credentials
    missing = [path.name for path in (files.key, files.certificate, files.ca) if not path.is_file()]
    if missing:
        raise IdentityUnusable(
            f"no {' and '.join(missing)} in {home.path}: run 'camfleet-agent enroll --server URL --token T' first"
        )
    try:
        facts = read_certificate(files.certificate.read_bytes())
        read_certificate(files.ca.read_bytes())
        matching = public_key_of(files.key.read_bytes()) == facts.public_key
    except (KeyRefused, NotACertificate, OSError) as error:
        raise IdentityUnusable(f"unreadable identity in {home.path}: {error}; run enroll again with --force") from error
    if not matching:
        raise IdentityUnusable(f"{files.key} is not the key of {files.certificate}: run enroll again with --force")
    return facts


def prepare_key(home: AgentHome) -> bytes:
    """Make the next key, on disk before anybody hears of it; a key left by an interrupted enrolment is used again."""
    make_private_folder(home.path)
    if _public_half(home.next_key) is None:
        write_file(home.next_key, new_key(), mode=0o600)
    return home.next_key.read_bytes()


def adopt(home: AgentHome, *, certificate: bytes, root: bytes) -> None:
    """Make the next key and this certificate the identity; a crash at any point is healed by `finish_adoption`."""
    write_file(home.credentials.ca, root, mode=0o644)
    write_file(home.next_certificate, certificate, mode=0o644)
    finish_adoption(home)


def finish_adoption(home: AgentHome) -> None:
    """Move a certificate that was received, and its key, to their places; nothing when none waits."""
    try:
        waiting = read_certificate(home.next_certificate.read_bytes()).public_key
    except (FileNotFoundError, NotACertificate):
        return
    if _public_half(home.next_key) == waiting:
        home.next_key.replace(home.credentials.key)
    if _public_half(home.credentials.key) == waiting:
        home.next_certificate.replace(home.credentials.certificate)


def _public_half(key: Path) -> bytes | None:
    try:
        return public_key_of(key.read_bytes())
    except (FileNotFoundError, KeyRefused):
        return None
