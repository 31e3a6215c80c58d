"""Routes for whoever runs the host: is it well. Loopback only."""

from typing import Any

from flask import Blueprint

from config_server.api.context import services
from config_server.ca import days_left
from config_server.guards import LOOPBACK, guarded
from config_server.revocation import ALERT_BELOW
from config_server.store.database import StoreUnavailable

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@guarded(LOOPBACK)
def healthz() -> tuple[dict[str, Any], int]:
    """ok, degraded (works, but look at it soon) or down (503)."""
    parts = services()
    try:
        with parts.store.reading() as tx:
            left = days_left(tx, parts.clock())
    except StoreUnavailable as error:
        return {"state": "down", "checks": {"database": str(error)}}, 503
    soonest = min(left.values(), default=0.0)
    fresh = soonest >= ALERT_BELOW.days
    checks = {"database": "ok", "crl_days_left": round(soonest, 2)}
    return {"state": "ok" if fresh else "degraded", "checks": checks}, 200
