"""EC P-256 keys as PEM, and signatures by them."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_SIGNATURE = ec.ECDSA(hashes.SHA256())


class KeyRefused(ValueError):
    """The key is unreadable, has another passphrase, or is not EC P-256."""


def new_key() -> bytes:
    """Make a private key: PKCS #8 PEM, not encrypted."""
    return key_pem(ec.generate_private_key(ec.SECP256R1()))


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    """Return a key as PKCS #8 PEM, encrypted when a passphrase is given."""
    protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def load_key(pem: bytes, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Read a private key; raises KeyRefused."""
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused("the private key cannot be read with this passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyRefused("the private key is not EC P-256")
    return key


def public_key_of(key: bytes) -> bytes:
    """Return the public half of a PEM private key, as SubjectPublicKeyInfo DER."""
    return public_der(load_key(key).public_key())


def public_der(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return SubjectPublicKeyInfo DER, by which keys are compared."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key: bytes, message: bytes) -> bytes:
    """Sign with a PEM private key: ECDSA over SHA-256, DER."""
    return load_key(key).sign(message, _SIGNATURE)


def signature_is_right(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` over `message` was made by the key whose SubjectPublicKeyInfo DER is given."""
    try:
        key = serialization.load_der_public_key(public_key)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signature, message, _SIGNATURE)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
