"""The login page and its way back."""

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, g, make_response, redirect, render_template, request

from dashboard.guards import SESSIONS, Guard, current_user, guarded
from dashboard.people.sessions import COOKIE, LIFE, Sessions, Visitor

people = Blueprint("people", __name__)

NAME_MOST, PASSWORD_MOST = 80, 1024


@people.get("/login")
@guarded(Guard.OPEN)
def show_login() -> str:
    """Show the form."""
    return render_template("login.html", next=_safe_target(request.args.get("next")), error=None)


@people.post("/login")
@guarded(Guard.OPEN)
def log_in() -> Response:
    """Check name and password; a wrong pair gets the form again, without a word on which was wrong."""
    name = request.form.get("username", "")[:NAME_MOST].replace("\0", "")
    password = request.form.get("password", "")[:PASSWORD_MOST]
    target = _safe_target(request.form.get("next"))
    token = _sessions().log_in(name, password, _visitor(), datetime.now(UTC))
    if token is None:
        page = render_template("login.html", next=target, error="Wrong user name or password.")
        return make_response(page, 401)
    response = make_response(redirect(target or "/"))
    response.set_cookie(COOKIE, token, max_age=LIFE, httponly=True, samesite="Lax", secure=request.is_secure, path="/")
    return response


@people.post("/logout")
@guarded(Guard.SIGNED_IN)
def log_out() -> Response:
    """End the session and show the login page."""
    user, token = current_user(), request.cookies.get(COOKIE)
    if user is not None and token is not None:
        _sessions().log_out(token, user, _visitor(), datetime.now(UTC))
    response = make_response(redirect("/login"))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def _sessions() -> Sessions:
    found: Sessions = current_app.extensions[SESSIONS]
    return found


def _visitor() -> Visitor:
    return Visitor(request.remote_addr, g.get("request_id"))


def _safe_target(target: str | None) -> str | None:
    """Return a path of this site; a login must not send people elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    return target if target.isprintable() and "\\" not in target else None
