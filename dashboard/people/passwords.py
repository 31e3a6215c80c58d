"""Hash and check passwords with argon2; a check of nobody takes as long as a check of somebody."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# No vowels and nothing that looks like something else: it is read from a terminal and typed once.
ALPHABET = "bcdfghjkmnpqrstvwxz23456789"
_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Return the hash that stands in for a user who does not exist; made once, at the first login."""
    return _hasher.hash(secrets.token_urlsafe())


def hash_password(password: str) -> str:
    """Return what may be stored."""
    return _hasher.hash(password)


def is_password(password: str, stored_hash: str | None) -> bool:
    """Say whether it is the password; with no hash (no such user) the answer is no and takes as long."""
    try:
        _hasher.verify(stored_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored_hash is not None


def generate_password() -> str:
    """Return a password of four groups, about 95 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))
