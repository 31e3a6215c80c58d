"""Names of devices and ids of events, as every program writes and checks them."""

import re
import secrets
import time
import unicodedata
import uuid

_DEVICE_ID = re.compile(r"cam-[a-z0-9-]{5,60}")
_SERVER_ID = re.compile(r"srv-[a-z]+-[1-9][0-9]{0,3}")
_STREAM = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SUFFIX_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def is_device_id(text: str) -> bool:
    """Say whether `text` may be a device id: it becomes a CN and an MQTT topic level, so nothing else may pass."""
    return _DEVICE_ID.fullmatch(text) is not None


def is_server_id(text: str) -> bool:
    """Say whether `text` names a server program's MQTT session, such as `srv-ingest-1`."""
    return _SERVER_ID.fullmatch(text) is not None


def is_stream_name(text: str) -> bool:
    """Say whether `text` may name a stream: one topic level of lower-case letters, digits, `-` and `_`."""
    return _STREAM.fullmatch(text) is not None


def device_id_from_name(name: str) -> str:
    """Make a device id from a name for people; a random tail keeps equal names apart."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:40].strip("-")
    tail = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(6))
    return f"cam-{stem}-{tail}" if stem else f"cam-{tail}"


def uuid7(unix_ms: int | None = None) -> uuid.UUID:
    """Return a UUID version 7 (RFC 9562): ordered by time in ms, the rest random."""
    moment = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    value = (moment & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
