"""Sealing small secrets with the host's key file, so that a stolen database alone opens nothing."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SealBroken(ValueError):
    """The bytes were not sealed with this key for this purpose."""


def new_seal_key() -> bytes:
    """Make a 256-bit key for `seal`."""
    return AESGCM.generate_key(bit_length=256)


def seal(key: bytes, secret: bytes, purpose: bytes) -> bytes:
    """Encrypt `secret` with AES-GCM; `purpose` is bound to it and must be given again to open it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret, purpose)


def open_sealed(key: bytes, sealed: bytes, purpose: bytes) -> bytes:
    """Return what was sealed; raises SealBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose)
    except (InvalidTag, ValueError):
        raise SealBroken("sealed with another key, or changed since") from None
