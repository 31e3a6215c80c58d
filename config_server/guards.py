"""Who may use which route: every route names its guard, and the open ones are a closed list here."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from config_server.actor import Actor, BadActor, actor_of_header
from config_server.api.context import services
from config_server.tokens import Scope, TokenKind, hash_of, is_usable, with_implied
from fleet.problem import Problem

# The only routes that need no token. Enrolment carries its one-time token in its body.
OPEN_ROUTES = frozenset(
    {
        "/config/enrol/proof",
        "/config/enrol",
        "/config/sightings",
        "/config/sightings/collect",
        "/config/renew/nonce",
        "/config/renew",
        "/crl/<string:ski>.crl",
        "/ca/root.pem",
    }
)

ACTOR_HEADER = "Camfleet-Actor"

View = TypeVar("View", bound=Callable[..., Any])


class Kind(StrEnum):
    """How a route is kept."""

    ENROLMENT = "enrolment"
    OPEN = "open"
    TOKEN = "token"  # noqa: S105  (a kind, not a secret)
    LOOPBACK = "loopback"


@dataclass(frozen=True)
class Guard:
    """What a caller needs; a token guard without a scope takes every token."""

    kind: Kind
    scope: Scope | None = None


ENROLMENT = Guard(Kind.ENROLMENT)
OPEN = Guard(Kind.OPEN)
LOOPBACK = Guard(Kind.LOOPBACK)
ANY_TOKEN = Guard(Kind.TOKEN)


def needs(scope: Scope) -> Guard:
    """A guard that wants a token with this scope."""
    return Guard(Kind.TOKEN, scope)


def guarded(guard: Guard) -> Callable[[View], View]:
    """Name a view's guard; a view without one answers nobody."""

    def mark(view: View) -> View:
        view.__dict__["guard"] = guard
        return view

    return mark


def guard_of(app: Flask, endpoint: str) -> Guard | None:
    """The guard of an endpoint, or None when nobody named one."""
    found = app.view_functions[endpoint].__dict__.get("guard")
    return found if isinstance(found, Guard) else None


def enforce() -> None:
    """Refuse the current request unless its route's guard lets it in; runs before anything of it is read."""
    if request.endpoint is None:
        return
    guard = guard_of(current_app, request.endpoint)
    if guard is None:
        raise Problem(403, "Forbidden", "this route has no guard and is therefore closed")
    if guard.kind is Kind.LOOPBACK:
        _require_loopback()
    elif guard.kind is Kind.TOKEN:
        g.actor = _actor_with(guard.scope)


def current_actor() -> Actor:
    """Who asks, once a token guard has let the request in."""
    actor = g.actor
    if not isinstance(actor, Actor):
        raise TypeError("this route has no token guard")
    return actor


def _require_loopback() -> None:
    # nginx adds X-Forwarded-For to everything it passes on, so its absence means a direct connection.
    original = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR") or request.remote_addr
    direct = "X-Forwarded-For" not in request.headers and "Forwarded" not in request.headers
    if not (direct and original and ipaddress.ip_address(original).is_loopback):
        raise Problem(404, "Not Found", "there is nothing here")


def _actor_with(scope: Scope | None) -> Actor:
    actor = _authenticated()
    if scope is not None and scope not in actor.scopes:
        raise Problem(403, "Forbidden", f"this token or person lacks the scope {scope}")
    return actor


def _authenticated() -> Actor:
    token = _presented_token()
    with services().store.reading() as tx:
        record = tx.api_tokens.get(hash_of(token)) if token else None
    if record is None or not is_usable(record, token, services().clock()):
        raise Problem(401, "Unauthorized", "send a valid API token as 'Authorization: Bearer cfa_…'")
    if record.kind == TokenKind.SERVICE:
        return _actor_behind_service()
    return Actor(f"token:{record.label}", with_implied(record.scopes), record.sites)


def _presented_token() -> str:
    try:
        header = request.authorization
    except ValueError:
        # The library lets a Basic header that is not ASCII fail in this way.
        return ""
    if header is None:
        return ""
    if header.type == "bearer":
        return header.token or ""
    # A browser can send a token only as a password (OpenAPI page).
    return header.password or "" if header.type == "basic" else ""


def _actor_behind_service() -> Actor:
    try:
        return actor_of_header(request.headers.get(ACTOR_HEADER, ""))
    except BadActor as error:
        raise Problem(401, "Unauthorized", str(error)) from error
