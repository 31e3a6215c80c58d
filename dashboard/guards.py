"""Who may use which route: every route names its guard, and the open ones are a closed list here."""

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, redirect, request, url_for

from dashboard.people.sessions import COOKIE, Sessions
from dashboard.store.people import User
from fleet.problem import Problem

# The only endpoints that need no session. Each is rate-limited, here or by nginx.
OPEN_ENDPOINTS = frozenset(
    {"static", "people.show_login", "people.log_in", "health.show_health", "reports.take_csp_report"}
)
LOOPBACK_ENDPOINTS = frozenset({"health.show_healthz", "health.show_metrics", "feed.show_healthz", "feed.show_metrics"})
SESSIONS = "camfleet.sessions"

View = TypeVar("View", bound=Callable[..., Any])


class Guard(StrEnum):
    """How a route is kept."""

    OPEN = "open"
    LOOPBACK = "loopback"
    SIGNED_IN = "signed-in"
    OPERATOR = "operator"
    ADMIN = "admin"


# What each role may pass; a role that is not here passes nothing but what every signed-in person may.
GRANTED = {
    "operator": frozenset({Guard.OPERATOR}),
    "admin": frozenset({Guard.OPERATOR, Guard.ADMIN}),
}


class Unguarded(Exception):
    """A route names no guard, or one that the closed lists do not grant it."""


def guarded(guard: Guard) -> Callable[[View], View]:
    """Name a view's guard."""

    def mark(view: View) -> View:
        view.__dict__["guard"] = guard
        return view

    return mark


def guard_of(app: Flask, endpoint: str) -> Guard | None:
    """Return the guard of an endpoint; None when nobody named one."""
    found = app.view_functions[endpoint].__dict__.get("guard")
    return found if isinstance(found, Guard) else None


def check_guards(app: Flask) -> None:
    """Raise Unguarded unless every route names a guard that it may have; called once, when the app is made."""
    for endpoint in app.view_functions:
        guard = guard_of(app, endpoint)
        closed = {Guard.OPEN: OPEN_ENDPOINTS, Guard.LOOPBACK: LOOPBACK_ENDPOINTS}
        if guard is None or endpoint not in closed.get(guard, {endpoint}):
            raise Unguarded(f"{endpoint} has the guard {guard}, which dashboard/guards.py does not grant it")


def enforce() -> Response | None:
    """Refuse the current request unless its route's guard lets it in."""
    g.user = None
    if request.endpoint is None:
        return None
    guard = guard_of(current_app, request.endpoint)
    if guard is Guard.LOOPBACK and not is_direct_loopback():
        raise Problem(404, "Not Found", "There is nothing here.")
    if guard in (Guard.OPEN, Guard.LOOPBACK):
        return None
    user = g.user = signed_in_user()
    if user is None:
        return _refuse()
    if guard is not Guard.SIGNED_IN and guard not in GRANTED.get(user.role, ()):
        raise Problem(403, "Not allowed", f"This needs the role {guard}, and you are {user.role}: ask an admin.")
    return None


def current_user() -> User | None:
    """Return who asks; None on open routes."""
    user = g.get("user")
    return user if isinstance(user, User) else None


def require_user() -> User:
    """Return who asks, on a route whose guard let only signed-in people in."""
    user = current_user()
    if user is None:
        raise TypeError("this route's guard lets strangers in")
    return user


def signed_in_user() -> User | None:
    """Look up the session that the browser's cookie names."""
    sessions: Sessions = current_app.extensions[SESSIONS]
    return sessions.user_of(request.cookies.get(COOKIE), datetime.now(UTC))


def is_direct_loopback() -> bool:
    """Say whether the request came from this host, not through nginx (which always says for whom it asks)."""
    original = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR") or request.remote_addr
    passed_on = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return bool(original) and not passed_on and ipaddress.ip_address(str(original)).is_loopback


def wants_page() -> bool:
    """Say whether a person's browser asks for a page, rather than a script for data."""
    return not request.path.startswith(("/api/", "/feed")) and request.accept_mimetypes.accept_html


def _refuse() -> Response:
    if wants_page() and request.method == "GET":
        target = request.full_path.rstrip("?")
        return redirect(url_for("people.show_login", next=target if target != "/" else None))  # type: ignore[return-value]
    raise Problem(401, "Not signed in", "Log in first: the session is missing or has ended.")
