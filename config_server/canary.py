"""The canary: a camera's certificate that is revoked from its first moment, to prove that the broker heeds its CRLs."""

from datetime import datetime

from config_server.signing import Signer
from config_server.store.registry import Transaction
from fleet.home import CredentialFiles, Home, write_file
from fleet.pki import KeyRefused, NotACertificate, new_key, public_key_of, read_certificate

CANARY = "cam-canary-always-revoked"
FOLDER = "canary"


def canary_files(home: Home) -> CredentialFiles:
    """Where the canary's certificate and key lie."""
    return home.credentials(FOLDER)


def sign_canary_if_due(tx: Transaction, signer: Signer, home: Home, now: datetime) -> tuple[bytes, bytes] | None:
    """Sign and at once revoke a new canary when the old one does not serve; its chain and key, to be installed."""
    if _serves(home, signer, now):
        return None
    key = new_key()
    record = signer.sign_device(tx, CANARY, public_key_of(key), now)
    tx.certificates.revoke(record.issuer_ski, record.serial, now)
    return record.certificate_pem.encode() + signer.ca_pem, key


def install_canary(home: Home, chain: bytes, key: bytes) -> None:
    """Put a canary in its place, once the record of its revocation is safe."""
    # Should power go between the two, they do not match, and the next round of care makes both anew.
    write_file(canary_files(home).key, key)
    write_file(canary_files(home).certificate, chain)


def _serves(home: Home, signer: Signer, now: datetime) -> bool:
    files = canary_files(home)
    try:
        facts = read_certificate(files.certificate.read_bytes())
        matches = facts.public_key == public_key_of(files.key.read_bytes())
    except (FileNotFoundError, NotACertificate, KeyRefused):
        return False
    return matches and facts.issuer_ski == signer.authority.ski and not facts.is_due(now)
