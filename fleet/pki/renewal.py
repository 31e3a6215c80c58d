"""What is signed when a certificate is renewed: a purpose first, so that no signature can be used for anything else."""

import hashlib

NONCE_BYTES = 32
REQUEST_PURPOSE = b"camfleet/renew"
CONFIRM_PURPOSE = b"camfleet/confirm"


def renewal_message(nonce: bytes, serial: str, csr_pem: bytes) -> bytes:
    """Return what the current key signs: purpose ‖ nonce ‖ current serial (hex) ‖ SHA-256 of the CSR as sent.

    Nonce and hash have fixed lengths, so no two requests give the same bytes; ValueError for another nonce.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a renewal's nonce has {NONCE_BYTES} bytes")
    return REQUEST_PURPOSE + nonce + serial.encode("ascii") + hashlib.sha256(csr_pem).digest()


def confirmation_message(device_id: str, serial: str) -> bytes:
    """Return what the new key signs to say that it is in use; saying it twice changes nothing, so it needs no nonce."""
    return CONFIRM_PURPOSE + serial.encode("ascii") + b"/" + device_id.encode("ascii")
