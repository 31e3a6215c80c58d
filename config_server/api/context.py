"""What the routes work with, handed in once by the composition point."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app, g, has_app_context, request

from config_server.crl_shelf import CrlShelf
from config_server.enrolment import Prover
from config_server.provisioning import FleetSize
from config_server.rate_limits import RateLimiter
from config_server.settings import ConfigSettings
from config_server.signing import Signer
from config_server.store.registry import Store
from config_server.store.shared_commit import SharedCommit

EXTENSION = "camfleet"


@dataclass(frozen=True)
class Services:
    """The parts of one running config_server."""

    settings: ConfigSettings
    store: Store
    signers: Callable[[], Signer]
    prover: Prover
    clock: Callable[[], datetime]
    limiter: RateLimiter
    enrolments: SharedCommit
    crl_shelf: CrlShelf = field(default_factory=CrlShelf)
    fleet_size: FleetSize = field(default_factory=FleetSize)

    @property
    def signer(self) -> Signer:
        """The signer at work; one for the whole of a request, so that a chain is of one CA even while it is rotated."""
        if not has_app_context():
            return self.signers()
        signer: Signer = g.get("signer") or g.setdefault("signer", self.signers())
        return signer


def services() -> Services:
    """The parts of the app that answers the current request."""
    found = current_app.extensions[EXTENSION]
    if not isinstance(found, Services):
        raise TypeError("the app was made without its services")
    return found


def source_address() -> str | None:
    """Where the request came from, as nginx tells (ProxyFix), for the audit log."""
    return request.remote_addr
