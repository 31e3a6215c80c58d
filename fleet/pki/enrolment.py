"""Enrolment tokens, and how the server proves to a camera that it is the one that made the token."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PUBLIC_ID_LENGTH = 6
SECRET_LENGTH = 16
NONCE_BYTES = 32
_FORM = re.compile(rf"([{CROCKFORD}]{{{PUBLIC_ID_LENGTH}}})\.([{CROCKFORD}]{{{SECRET_LENGTH}}})")
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})


class NotAToken(ValueError):
    """The text is not an enrolment token."""


@dataclass(frozen=True)
class EnrolmentToken:
    """A token's two halves: the public id finds it, the secret (80 bits) is never stored in the clear."""

    public_id: str
    secret: str

    def __str__(self) -> str:
        groups = [self.secret[at : at + 4] for at in range(0, SECRET_LENGTH, 4)]
        return f"{self.public_id}.{'-'.join(groups)}"

    def __repr__(self) -> str:
        return f"EnrolmentToken({self.public_id}.…)"


def new_token() -> EnrolmentToken:
    """Make a random token."""
    return EnrolmentToken(_random_text(PUBLIC_ID_LENGTH), _random_text(SECRET_LENGTH))


def _random_text(length: int) -> str:
    return "".join(secrets.choice(CROCKFORD) for _ in range(length))


def read_token(text: str) -> EnrolmentToken:
    """Read what a person typed: any case, with or without dashes, O for 0 and I or L for 1; raises NotAToken."""
    plain = re.sub(r"[\s-]", "", text.upper()).translate(_MISREAD)
    match = _FORM.fullmatch(plain)
    if match is None:
        raise NotAToken("a token looks like ABC123.0000-0000-0000-0000")
    return EnrolmentToken(match[1], match[2])


def check_value(token: EnrolmentToken) -> bytes:
    """Return SHA-256('camfleet/check' ‖ secret): what the database keeps to check a token."""
    return hashlib.sha256(b"camfleet/check" + token.secret.encode()).digest()


def prove_key(token: EnrolmentToken) -> bytes:
    """Return K = HKDF(secret, 'camfleet/prove'): what the server keeps, sealed, to prove itself."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"camfleet/prove")
    return kdf.derive(token.secret.encode())


def make_proof(key: bytes, public_id: str, nonce: bytes, root_fingerprint: bytes) -> bytes:
    """Return HMAC(K, 'server' ‖ public id ‖ nonce ‖ root fingerprint)."""
    message = b"server" + public_id.encode() + nonce + root_fingerprint
    return hmac.new(key, message, hashlib.sha256).digest()


def proof_is_right(proof: bytes, token: EnrolmentToken, nonce: bytes, root_fingerprint: bytes) -> bool:
    """Say whether the server that sent this root knows the token (constant time)."""
    wanted = make_proof(prove_key(token), token.public_id, nonce, root_fingerprint)
    return hmac.compare_digest(proof, wanted)
