"""Say how the platform is: /health for people and monitors, /healthz and /metrics for this host."""

import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from flask import Blueprint, Response, current_app, make_response
from prometheus_flask_exporter import PrometheusMetrics

from dashboard.guards import Guard, guarded, is_direct_loopback, signed_in_user
from dashboard.store.database import Database, StoreUnavailable
from fleet.tls import NO_CAS

health = Blueprint("health", __name__)

CHECKS, METRICS = "camfleet.checks", "camfleet.metrics"
ASK_WITHIN_S = 2.0
DISK_DEGRADED_PCT, DISK_DOWN_BYTES = 5.0, 64 * 1024 * 1024
WORST_FIRST = ("down", "degraded", "ok")
Json = dict[str, Any]


@dataclass(frozen=True)
class Checks:
    """What /health looks at. Without ingest nothing is stored; without the courier only certificates wait.

    `ingest_urls` are those of every ingest process, by its name. Without a forwarder only other systems wait; None:
    there is none to ask.
    """

    database: Database
    home: Path
    ingest_urls: Mapping[str, str]
    courier_url: str
    forwarder_url: str | None = None

    def run(self) -> Json:
        """Return every check's outcome and the worst of them as `status`."""
        beside = {"courier": self.courier_url} | ({"forwarder": self.forwarder_url} if self.forwarder_url else {})
        with ThreadPoolExecutor(max_workers=len(beside) + len(self.ingest_urls)) as pool:
            others = pool.map(ask, beside.values())
            answers = pool.map(ask, self.ingest_urls.values())
            checks = {"database": self.ask_database(), "disk": self.look_at_disk()}
            ingest = dict(zip(self.ingest_urls, answers, strict=True))
            checks["ingest"] = together(ingest)
            checks["disk"] = with_watermark(checks["disk"], ingest.values())
            checks |= zip(beside, map(_at_most_degraded, others), strict=True)
        return {"status": worst(checks.values()), "checks": checks}

    def ask_database(self) -> Json:
        """Say whether the events database answers."""
        try:
            self.database.ping()
        except StoreUnavailable as error:
            return {"status": "down", "reason": str(error)}
        return {"status": "ok"}

    def look_at_disk(self) -> Json:
        """Say how much room the state folder has."""
        usage = shutil.disk_usage(self.home)
        free_pct = round(100.0 * usage.free / usage.total, 1)
        status = "down" if usage.free < DISK_DOWN_BYTES else "degraded" if free_pct < DISK_DEGRADED_PCT else "ok"
        return {"status": status, "free_pct": free_pct, "free_bytes": usage.free}


def ask(url: str) -> Json:
    """Return a program's own account of itself; `down` when it gives none in time."""
    try:
        answer = httpx.get(url, timeout=ASK_WITHIN_S, trust_env=False, verify=NO_CAS)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return {"status": "down", "reason": f"no answer: {type(error).__name__}"}
    if not isinstance(body, dict):
        return {"status": "down", "reason": "an answer that is none"}
    said = body.get("status")
    return body | {"status": said if said in WORST_FIRST else "ok" if answer.is_success else "down"}


def with_watermark(disk: Json, ingest: Iterable[Json]) -> Json:
    """Return the disk's check with what retention in the first ingest process says: its watermark, and days left."""
    for said in ingest:
        if isinstance(told := said.get("retention"), dict) and told:
            used, high = told.get("disk_used_pct"), told.get("disk_high_pct")
            is_above = used is not None and high is not None and used >= high
            status = worst([disk, {"status": "degraded" if is_above else "ok"}])
            return disk | {"status": status, "high_pct": high, "days_left": told.get("days_left")}
    return disk


def together(processes: Mapping[str, Json]) -> Json:
    """Return the account of several processes that share one work: the worst state and lag, and each one's own."""
    if len(processes) == 1:
        return next(iter(processes.values()))
    status = worst(processes.values())
    troubled = [name for name, said in processes.items() if said["status"] != "ok"]
    lags = [said["lag_s"] for said in processes.values() if said.get("lag_s") is not None]
    reason = {"reason": f"not ok: {', '.join(troubled)}"} if troubled else {}
    return {"status": status, **reason, "lag_s": max(lags, default=None), "processes": dict(processes)}


def worst(checks: Iterable[Json]) -> str:
    """Return the worst status of several."""
    found = {check["status"] for check in checks}
    return next(status for status in WORST_FIRST if status in found)


def _at_most_degraded(check: Json) -> Json:
    return check | {"status": "degraded"} if check["status"] == "down" else check


@health.get("/health")
@guarded(Guard.OPEN)
def show_health() -> Response:
    """Tell everybody ok, degraded or down; why, only this host and people who are signed in."""
    checks: Checks = current_app.extensions[CHECKS]
    outcome = checks.run()
    code = 503 if outcome["status"] == "down" else 200
    database_answers = outcome["checks"]["database"]["status"] == "ok"
    trusted = is_direct_loopback() or (database_answers and signed_in_user() is not None)
    return make_response(outcome if trusted else {"status": outcome["status"]}, code)


@health.get("/healthz")
@guarded(Guard.LOOPBACK)
def show_healthz() -> Response:
    """Say whether this program can answer."""
    checks: Checks = current_app.extensions[CHECKS]
    outcome = checks.ask_database()
    return make_response(outcome, 200 if outcome["status"] == "ok" else 503)


@health.get("/metrics")
@guarded(Guard.LOOPBACK)
def show_metrics() -> Response:
    """Return what all workers counted."""
    metrics: PrometheusMetrics = current_app.extensions[METRICS]
    body, content_type = metrics.generate_metrics()
    response = make_response(body)
    response.content_type = content_type
    return response
