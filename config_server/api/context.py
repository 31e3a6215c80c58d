"""What the routes work with, handed in once by the composition point."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, request

from config_server.enrolment import Prover
from config_server.rate_limits import RateLimiter
from config_server.settings import ConfigSettings
from config_server.signing import Signer
from config_server.store.registry import Store

EXTENSION = "camfleet"


@dataclass(frozen=True)
class Services:
    """The parts of one running config_server."""

    settings: ConfigSettings
    store: Store
    signer: Signer
    prover: Prover
    clock: Callable[[], datetime]
    limiter: RateLimiter


def services() -> Services:
    """The parts of the app that answers the current request."""
    found = current_app.extensions[EXTENSION]
    if not isinstance(found, Services):
        raise TypeError("the app was made without its services")
    return found


def source_address() -> str | None:
    """Where the request came from, as nginx tells (ProxyFix), for the audit log."""
    return request.remote_addr
