"""The code that a camera shows and a person compares before letting it in: it covers the root and the camera's key."""

import hashlib
import re

from fleet.pki.enrolment import CROCKFORD

CODE_LENGTH = 12
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_BITS_PER_CHARACTER = 5


def pairing_code(root_fingerprint: bytes, public_key: bytes) -> str:
    """Return 12 base-32 characters of SHA-256(root fingerprint ‖ public key): 60 bits, to be compared in full."""
    digest = int.from_bytes(hashlib.sha256(root_fingerprint + public_key).digest(), "big")
    first = digest >> (256 - CODE_LENGTH * _BITS_PER_CHARACTER)
    shifts = range((CODE_LENGTH - 1) * _BITS_PER_CHARACTER, -1, -_BITS_PER_CHARACTER)
    return "".join(CROCKFORD[first >> shift & 31] for shift in shifts)


def in_groups(code: str) -> str:
    """Return a code as people read it: groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def read_code(text: str) -> str:
    """Return the code that a person typed: any case, with or without dashes, O for 0 and I or L for 1."""
    return re.sub(r"[\s-]", "", text.upper()).translate(_MISREAD)
