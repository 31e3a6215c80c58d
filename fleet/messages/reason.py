"""The closed list of reasons for a camera's or a stream's state."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something is not online. People read these words on the Fleet page; add one here or use none."""

    STOPPED = "stopped"
    CONNECTION_LOST = "connection-lost"
    SILENT = "silent"
    REVOKED = "revoked"
    CERTIFICATE_EXPIRED = "certificate-expired"
    NEVER_SEEN = "never-seen"
    SERVER_RESTARTED = "server-restarted"
    OPENING = "opening"
    DNS = "dns"
    REFUSED = "refused"
    AUTH = "auth"
    TIMEOUT = "timeout"
    DECODE = "decode"
    FROZEN = "frozen"
    GONE = "gone"
    ENDED = "ended"
    MISSING = "missing"
    DISK = "disk"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Reason | None":
        # A newer camera may know a reason that this release does not: readers go on, and say "unknown".
        return cls.UNKNOWN if isinstance(value, str) else None
