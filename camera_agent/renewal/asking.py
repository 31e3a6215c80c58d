"""Ask for the next certificate, over MQTT or over HTTPS: a nonce first, then a request signed by the current key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fleet.pki import CertificateFacts, make_csr, renewal_message, sign


class RenewalRefused(Exception):
    """The servers said no; they do not say why."""


class NoAnswer(Exception):
    """Nobody answered in time, or the answer is unusable; asking again later may help. The text says what was tried."""


@dataclass(frozen=True)
class Signed:
    """A request ready to be sent."""

    nonce: bytes
    csr_pem: str
    signature: bytes


@dataclass(frozen=True)
class Holder:
    """Who asks: the camera with its key in use, and the key that it wants certified."""

    device_id: str
    serial: str
    key: bytes = field(repr=False)
    next_key: bytes = field(repr=False)

    @classmethod
    def of(cls, facts: CertificateFacts, key: bytes, next_key: bytes) -> Holder:
        return cls(facts.common_name, serial_text(facts), key, next_key)

    def sign_for(self, nonce: bytes) -> Signed:
        csr = make_csr(self.next_key, self.device_id)
        return Signed(nonce, csr.decode(), sign(self.key, renewal_message(nonce, self.serial, csr)))


class Way(Protocol):
    """One way to the servers."""

    def ask(self, holder: Holder, now: datetime) -> bytes:
        """Return the next certificate's chain; raises RenewalRefused or NoAnswer."""
        ...


def serial_text(facts: CertificateFacts) -> str:
    """Return the serial as the registry writes it: lower-case hex."""
    return format(facts.serial, "x")
