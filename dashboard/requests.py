"""What every request gets: an id, a log context, security headers; and problems for everything that fails."""

import re
import uuid

from flask import Flask, Response, g, make_response, render_template, request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from dashboard.guards import wants_page
from dashboard.people.attempts import TooManyAttempts
from dashboard.store.database import StoreUnavailable
from fleet.logs import bind, get_logger, unbind_all
from fleet.problem import Problem

log = get_logger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; report-uri /csp-report"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The form's CSRF check wants a referrer from this site over HTTPS.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,36}")


def begin_request() -> None:
    """Take nginx's request id, or make one, and put it on every log line of this request."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    unbind_all()
    bind(request_id=g.request_id)


def finish_request(response: Response) -> Response:
    """Add the headers that keep browsers strict; data and pages of people are not for caches."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def register_problems(app: Flask) -> None:
    """Answer every failure as a problem document, or as a page where a person looks."""
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(CSRFError, _csrf_failed)
    app.register_error_handler(RateLimitExceeded, _too_many)
    app.register_error_handler(TooManyAttempts, _too_many)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(StoreUnavailable, _store_unavailable)
    # The top of every request: a defect must end as an answer that carries the id of its log line.
    app.register_error_handler(Exception, _defect)


def _answer(problem: Problem) -> Response:
    request_id = g.get("request_id", "")
    if wants_page():
        page = render_template("error.html", request_id=request_id, **_members(problem))
        return make_response(page, problem.status)
    response = make_response(problem.to_dict(request_id), problem.status)
    response.content_type = "application/problem+json"
    return response


def _members(problem: Problem) -> dict[str, object]:
    return {"status": problem.status, "title": problem.title, "detail": problem.detail}


def _csrf_failed(_error: CSRFError) -> Response:
    return _answer(Problem(400, "The form is too old", "Load the page again and send the form once more."))


def _too_many(_error: RateLimitExceeded | TooManyAttempts) -> Response:
    response = _answer(Problem(429, "Too many requests", "Wait a minute, then try again."))
    response.headers["Retry-After"] = "60"
    return response


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    return _answer(Problem(error.code, error.name, error.description or ""))


def _store_unavailable(error: StoreUnavailable) -> Response:
    log.error("the database does not answer", reason=str(error))
    return _answer(Problem(503, "The database does not answer", "Try again in a moment; see /health."))


def _defect(error: Exception) -> Response:
    log.error("request failed", path=request.path, exc_info=error)
    return _answer(Problem(500, "Something went wrong", "The server has logged what happened under this request id."))
