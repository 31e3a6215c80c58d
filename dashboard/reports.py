"""Take browsers' reports of violated content security policy: counted, and logged once each."""

from flask import Blueprint, request
from prometheus_client import Counter

from dashboard.guards import Guard, guarded
from fleet.logs import get_logger

log = get_logger(__name__)

reports = Blueprint("reports", __name__)

MOST_BYTES = 16 * 1024
MOST_REMEMBERED = 200
csp_reports = Counter("camfleet_dashboard_csp_reports", "Reports of violated content security policy")
_seen: set[tuple[str, str]] = set()


@reports.post("/csp-report")
@guarded(Guard.OPEN)
def take_csp_report() -> tuple[str, int]:
    """Count a report; its content is a stranger's word and goes nowhere but into the log."""
    csp_reports.inc()
    what = _summary(_document())
    if what not in _seen and len(_seen) < MOST_REMEMBERED:
        _seen.add(what)
        log.warning("content security policy violated", directive=what[0], blocked=what[1])
    return "", 204


def _document() -> object:
    try:
        return request.get_json(force=True, silent=True)
    except RecursionError:
        # Nested deeper than Python can follow: a stranger's joke, no defect of ours.
        return None


def _summary(document: object) -> tuple[str, str]:
    body = document.get("csp-report") if isinstance(document, dict) else None
    if not isinstance(body, dict):
        return "unreadable report", ""
    return str(body.get("violated-directive", ""))[:100], str(body.get("blocked-uri", ""))[:200]
