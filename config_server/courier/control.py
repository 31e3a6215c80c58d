"""What the courier needs of a broker to cut cameras off, whichever broker it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from config_server.revocation import SignedCrl


class BrokerFault(Exception):
    """The broker is not where it should be; the text says what is wrong. The step may be tried again."""


class NotRunning(BrokerFault):
    """No broker runs here: it will read its files when it starts."""


class CameBack(BrokerFault):
    """A camera that was thrown out is connected again: deny and reload once more."""


@dataclass(frozen=True)
class Refusals:
    """Everything that the broker must refuse: every denied device, and every list of the issuing CAs."""

    denied: frozenset[str]
    crls: tuple[SignedCrl, ...]

    @property
    def crl_pem(self) -> bytes:
        """All lists as one file: a broker refuses everybody whose issuer's list is missing."""
        return b"".join(crl.pem for crl in self.crls)


class Hold(Protocol):
    """Sessions that were taken away from their cameras and are kept until `release`."""

    def keep(self) -> None:
        """Wait a few seconds to see that nobody comes back; raises CameBack."""
        ...

    def release(self) -> None:
        """Let go."""
        ...


class BrokerControl(Protocol):
    """The steps of DESIGN §3 in their order. Each may be repeated without harm and raises BrokerFault."""

    def deny(self, refusals: Refusals) -> None:
        """Validate everything that will be refused, and put the denials in place; those no longer denied go free."""
        ...

    def revoke(self, refusals: Refusals) -> None:
        """Put the revocation lists in place."""
        ...

    def reload(self) -> None:
        """Have the broker heed both, and see that it does."""
        ...

    def kick(self, device_ids: Iterable[str]) -> Hold:
        """Close the sessions of these devices."""
        ...

    def prove(self, device_ids: Iterable[str]) -> None:
        """Show that a revoked certificate is refused."""
        ...
