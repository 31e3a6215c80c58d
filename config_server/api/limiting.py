"""Limit, per address, the routes that nobody has to identify for; runs before anything of a request is read."""

from flask import current_app, request

from config_server.api.context import services, source_address
from config_server.guards import Kind, guard_of


def limit_open_routes() -> None:
    """Refuse the current request with TooManyRequests when its sender has had its share."""
    guard = guard_of(current_app, request.endpoint) if request.endpoint else None
    settings = services().settings
    rates = {Kind.ENROLMENT: settings.enrolment_rate, Kind.OPEN: settings.open_rate}
    if guard is not None and guard.kind in rates:
        services().limiter.spend(request.endpoint or "", source_address(), rates[guard.kind])
