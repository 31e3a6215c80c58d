"""The signature by which a receiver knows that a request came from here, unchanged and not long ago. Pure."""

import hashlib
import hmac

HEADER = "Camfleet-Signature"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the header's value: the second of sending, and HMAC-SHA256 over `<timestamp>.<body>` in hex."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
