"""The feed's WSGI app: one stream, and its own health."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Flask, Response, current_app, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard.feed.hub import MOST_CLIENTS, Hub, Sites
from dashboard.feed.stream import ClientStream
from dashboard.guards import SESSIONS, Guard, check_guards, enforce, guarded, require_user
from dashboard.people.sessions import COOKIE, Sessions
from dashboard.requests import begin_request, finish_request, register_problems
from dashboard.store.changes import Changes
from dashboard.store.database import Database, StoreUnavailable
from dashboard.store.people import People
from fleet.problem import Problem

HUB, DATABASE, REGISTRY = "camfleet.hub", "camfleet.database", "camfleet.registry"

feed = Blueprint("feed", __name__)


def create_app(database: Database) -> Flask:
    """Return the WSGI app."""
    app = Flask("dashboard.feed", static_folder=None)
    hub = Hub(Changes(database))
    app.extensions |= {
        SESSIONS: Sessions(People(database)),
        HUB: hub,
        DATABASE: database,
        REGISTRY: _registry(hub),
    }
    app.before_request(begin_request)
    app.before_request(enforce)
    app.after_request(finish_request)
    register_problems(app)
    app.register_blueprint(feed)
    check_guards(app)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


@feed.get("/feed")
@guarded(Guard.SIGNED_IN)
def follow() -> Response:
    """Stream what changes from Last-Event-ID, from `since`, or from now on."""
    hub: Hub = current_app.extensions[HUB]
    if hub.clients >= MOST_CLIENTS:
        raise Problem(503, "Too many listeners", "Close other windows, or try again in a minute.")
    sessions: Sessions = current_app.extensions[SESSIONS]
    sites = require_user().site_ids
    may_stay = partial(_may_stay, sessions, request.cookies.get(COOKIE), sites)
    stream: Iterator[bytes] = iter(ClientStream(hub, _since(), may_stay, sites=sites))
    response = Response(stream, content_type="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


@feed.get("/healthz")
@guarded(Guard.LOOPBACK)
def show_healthz() -> Response:
    """Say whether the feed can follow the store."""
    database: Database = current_app.extensions[DATABASE]
    hub: Hub = current_app.extensions[HUB]
    try:
        database.ping()
    except StoreUnavailable as error:
        return make_response({"status": "down", "reason": str(error)}, 503)
    return make_response({"status": "ok", "clients": hub.clients})


@feed.get("/metrics")
@guarded(Guard.LOOPBACK)
def show_metrics() -> Response:
    """Return what this process counts."""
    return Response(generate_latest(current_app.extensions[REGISTRY]), content_type=CONTENT_TYPE_LATEST)


def _may_stay(sessions: Sessions, token: str | None, sites: Sites) -> bool:
    """Say whether the session holds with the same sites; else the browser comes back and gets what is due then."""
    try:
        user = sessions.user_of(token, datetime.now(UTC))
        return user is not None and user.site_ids == sites
    except StoreUnavailable:
        return True


def _since() -> int | None:
    text = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Problem(400, "Bad cursor", "since must be a cursor that an earlier answer gave.")
    return int(text)


def _registry(hub: Hub) -> CollectorRegistry:
    registry = CollectorRegistry()
    clients = Gauge("camfleet_feed_clients", "Browsers that follow the feed", registry=registry)
    clients.set_function(lambda: hub.clients)
    cursor = Gauge("camfleet_feed_cursor", "The change_seq that was last handed out", registry=registry)
    cursor.set_function(lambda: hub.cursor)
    return registry
