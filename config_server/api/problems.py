"""Turn every failure into application/problem+json, in one place, and log what only the operator should know."""

from flask import Flask, Response, g, json, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException

from config_server.enrolment import EnrolmentRefused
from config_server.policy import PolicyRefused
from config_server.rate_limits import TooManyRequests
from config_server.registry import Conflict, Invalid, Unknown
from config_server.renewal import RenewalRefused
from config_server.sightings import SightingRefused, TooManyWaiting
from config_server.store.conflict import AlreadyThere
from config_server.store.database import StoreUnavailable
from fleet.logs import get_logger
from fleet.pki import CsrRefused
from fleet.problem import Problem

log = get_logger(__name__)

REFUSED = Problem(
    403,
    "Enrolment refused",
    "the token is wrong, used or expired: make a new one with 'camfleet devices token ID'",
    "urn:camfleet:problem:enrolment-refused",
)

RENEWAL_REFUSED = Problem(
    403,
    "Renewal refused",
    "a person is needed: look at this camera in the dashboard, and re-enrol it with a new token if it is to come back",
    "urn:camfleet:problem:renewal-refused",
)


NOT_LET_IN = Problem(
    403,
    "Not let in",
    "a person turned this camera away, or it waited too long: run 'camfleet-agent enroll --show-code' again",
    "urn:camfleet:problem:not-let-in",
)


def register_problems(app: Flask) -> None:
    """Have the app answer every exception as a problem."""
    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Conflict, lambda e: answer(Problem(409, "Conflict", str(e))))
    app.register_error_handler(AlreadyThere, lambda _: answer(Problem(409, "Conflict", "try again")))
    app.register_error_handler(Unknown, lambda e: answer(Problem(404, "Not Found", str(e))))
    app.register_error_handler(Invalid, lambda e: answer(Problem(422, "Unprocessable Content", str(e))))
    app.register_error_handler(EnrolmentRefused, _enrolment_refused)
    app.register_error_handler(SightingRefused, _sighting_refused)
    app.register_error_handler(TooManyWaiting, _too_many_waiting)
    app.register_error_handler(RenewalRefused, _renewal_refused)
    app.register_error_handler(CsrRefused, _csr_refused)
    app.register_error_handler(PolicyRefused, _policy_refused)
    app.register_error_handler(StoreUnavailable, _store_unavailable)
    app.register_error_handler(TooManyRequests, _too_many)


def answer(problem: Problem) -> Response:
    """The answer of a problem, with the request's id to find it in the log."""
    body = json.dumps(problem.to_dict(g.get("request_id", "")))
    response = Response(body, problem.status, content_type="application/problem+json")
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer, Basic realm="Camfleet: API token as password"'
    return response


def refuse_invalid(error: ValidationError) -> None:
    """Say which fields are wrong and why; never what was sent, it may be a secret."""
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    raise Problem(422, "Unprocessable Content", "; ".join(map(_said, wrong)))


def _said(wrong: ErrorDetails) -> str:
    if not wrong["loc"]:
        return "body: send a JSON object with Content-Type: application/json"
    return f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"


def _http(error: HTTPException) -> Response:
    response = answer(Problem(error.code or 500, error.name, error.description or ""))
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def _enrolment_refused(error: EnrolmentRefused) -> Response:
    log.warning("enrolment refused", reason=str(error), source=request.remote_addr)
    return answer(REFUSED)


def _renewal_refused(error: RenewalRefused) -> Response:
    log.warning("renewal refused", reason=str(error), source=request.remote_addr)
    return answer(RENEWAL_REFUSED)


def _sighting_refused(error: SightingRefused) -> Response:
    log.warning("camera not let in", reason=str(error), source=request.remote_addr)
    return answer(NOT_LET_IN)


def _policy_refused(error: PolicyRefused) -> Response:
    log.error("certificate not handed out", reason=str(error))
    return answer(Problem(503, "Service Unavailable", "no certificate can be issued now: the servers' log says why"))


def _too_many_waiting(error: TooManyWaiting) -> Response:
    log.warning("camera not let in", reason=str(error), source=request.remote_addr)
    response = answer(Problem(429, "Too Many Requests", "too many cameras wait to be accepted: try again later"))
    response.headers["Retry-After"] = "600"
    return response


def _csr_refused(error: CsrRefused) -> Response:
    log.warning("certificate request refused", reason=str(error), source=request.remote_addr)
    detail = "the certificate request is not usable: it must be PEM, EC P-256, and signed by its own key"
    return answer(Problem(422, "Certificate request refused", detail, "urn:camfleet:problem:csr-refused"))


def _store_unavailable(error: StoreUnavailable) -> Response:
    log.error("the database is not usable", reason=str(error))
    detail = "nothing was changed: the registry cannot be read or written now; see config_server's log"
    return answer(Problem(503, "Service Unavailable", detail))


def _too_many(error: TooManyRequests) -> Response:
    log.warning("too many requests", reason=str(error))
    detail = f"this address sent too many requests: wait {error.retry_after_s} s, then try again"
    response = answer(Problem(429, "Too Many Requests", detail))
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response
