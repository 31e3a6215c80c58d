"""Put dashboard's pages and API together: the one place where settings, store and routes meet."""

from typing import Any

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect, generate_csrf
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard.api.registry import REGISTRY_CLIENT
from dashboard.api.routes import CAMERAS, EVENTS
from dashboard.guards import SESSIONS, Guard, check_guards, current_user, enforce, guarded, is_direct_loopback
from dashboard.health import CHECKS, METRICS, Checks
from dashboard.people.sessions import Sessions
from dashboard.registry_client import RegistryClient
from dashboard.reports import reports
from dashboard.requests import begin_request, finish_request, register_problems
from dashboard.routes import BLUEPRINTS
from dashboard.store.cameras import Cameras
from dashboard.store.database import Database
from dashboard.store.events import Events
from dashboard.store.people import People
from fleet import __version__
from fleet.settings import ServerSettings

MOST_BODY_BYTES = 64 * 1024
OPEN_LIMIT = "120 per minute"


class SecretMissing(Exception):
    """The secret that signs forms is not there; the text names the command to run."""


class FormSessions(SecureCookieSessionInterface):
    """Flask's own signed cookie, which carries only the CSRF secret; Secure wherever the browser uses HTTPS."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002  (the signature is Flask's)
        """Say whether this answer goes out over HTTPS, as nginx tells."""
        return request.is_secure


def create_app(settings: ServerSettings, database: Database, registry: CollectorRegistry = REGISTRY) -> Flask:
    """Return the WSGI app; `registry` keeps tests' many apps apart."""
    app = Flask("dashboard")
    app.config.from_mapping(_config(settings))
    app.session_interface = FormSessions()
    _hand_in(app, settings, database)
    app.before_request(begin_request)
    app.before_request(enforce)
    app.after_request(finish_request)
    register_problems(app)
    protection = CSRFProtect(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    protection.exempt(reports)
    app.extensions[METRICS] = PrometheusMetrics(app, path=None, group_by="endpoint", registry=registry)
    app.context_processor(lambda: _page_context(settings))
    guarded(Guard.OPEN)(_own_static(app))
    _limit_open_routes(app)
    check_guards(app)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def _config(settings: ServerSettings) -> dict[str, Any]:
    key = settings.home.secret("session.key")
    if not key.is_file():
        raise SecretMissing(f"missing {key}: run `camfleet ca init`")
    return {
        "SECRET_KEY": key.read_bytes(),
        "SESSION_COOKIE_NAME": "camfleet_form",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        "MAX_CONTENT_LENGTH": MOST_BODY_BYTES,
        "RATELIMIT_HEADERS_ENABLED": True,
    }


def _hand_in(app: Flask, settings: ServerSettings, database: Database) -> None:
    app.extensions |= {
        SESSIONS: Sessions(People(database)),
        CAMERAS: Cameras(database),
        EVENTS: Events(database),
        REGISTRY_CLIENT: RegistryClient(
            f"http://127.0.0.1:{settings.config_port}", settings.home.secret("service.token")
        ),
        CHECKS: Checks(
            database=database,
            home=settings.home.path,
            ingest_urls={name: f"http://127.0.0.1:{port}/healthz" for name, port in settings.ingest_ports.items()},
            courier_url=f"http://127.0.0.1:{settings.courier_port}/healthz",
            forwarder_url=f"http://127.0.0.1:{settings.forwarder_port}/healthz" if settings.forwards else None,
        ),
    }


def _page_context(settings: ServerSettings) -> dict[str, Any]:
    return {
        "user": current_user(),
        "csrf_token": generate_csrf(),
        "public_url": settings.url,
        "version": __version__,
    }


def _own_static(app: Flask) -> Any:
    """Return the static view as a function of this app, which can carry the name of its guard."""

    def static(filename: str) -> Any:
        return app.send_static_file(filename)

    app.view_functions["static"] = static
    return static


def _limit_open_routes(app: Flask) -> None:
    """Keep open routes from being a burden, each worker for itself; logins are limited where they are recorded."""
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    views: dict[str, Any] = app.view_functions
    sparing = limiter.limit(OPEN_LIMIT, exempt_when=is_direct_loopback)
    for endpoint in ("people.show_login", "health.show_health", "reports.take_csp_report"):
        views[endpoint] = _same_guard(sparing, views[endpoint])


def _same_guard(limit: Any, view: Any) -> Any:
    limited = limit(view)
    limited.__dict__["guard"] = view.__dict__["guard"]
    return limited
