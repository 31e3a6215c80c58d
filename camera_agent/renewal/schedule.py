"""When a certificate is renewed: at a share of its life, each camera at another moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fleet.pki import CertificateFacts

NEARLY = 0.02
"""The last part of a life in which a camera that is not let in no longer waits for the broker: clocks differ."""


@dataclass(frozen=True)
class Schedule:
    """`after_share` of the life must be over, and up to `jitter_share` more, by the certificate's own fingerprint."""

    after_share: float
    jitter_share: float

    def due_at(self, facts: CertificateFacts) -> datetime:
        """Return the same moment after each start, so that restarts do not bunch a fleet."""
        chance = int.from_bytes(facts.fingerprint[:8]) / 2**64
        share = self.after_share + self.jitter_share * chance
        return facts.not_before + (facts.not_after - facts.not_before) * min(share, 1.0)

    def is_due(self, facts: CertificateFacts, now: datetime) -> bool:
        return now >= self.due_at(facts)


def is_over(facts: CertificateFacts, now: datetime) -> bool:
    """Say whether the certificate has ended by this camera's clock."""
    return now >= facts.not_after


def is_nearly_over(facts: CertificateFacts, now: datetime) -> bool:
    """Say whether a refused connection may well mean that the certificate has ended by the servers' clock."""
    return now >= facts.not_after - (facts.not_after - facts.not_before) * NEARLY
