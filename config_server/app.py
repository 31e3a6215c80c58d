"""Put config_server together: the one place where settings, store, CA and routes meet."""

from datetime import UTC, datetime
from typing import Any

from flask_openapi3.models.info import Info
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics
from werkzeug.middleware.proxy_fix import ProxyFix

from config_server.api.context import EXTENSION, Services
from config_server.api.description import DescribedApi
from config_server.api.limiting import limit_open_routes
from config_server.api.problems import refuse_invalid, register_problems
from config_server.api.requests import PatientJson, begin, finish
from config_server.api.routes import BLUEPRINTS, OPERATIONS
from config_server.current_signer import CurrentSigner
from config_server.enrolment import Prover, shared_enrolments
from config_server.guards import ANY_TOKEN, LOOPBACK, enforce, guarded
from config_server.rate_limits import RateLimiter
from config_server.secrets_files import SEAL_KEY
from config_server.settings import ConfigSettings
from config_server.store.migrate import require_current_schema
from config_server.store.registry import Store
from fleet import __version__

MAX_BODY_BYTES = 64 * 1024


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def wire(settings: ConfigSettings) -> Services:
    """Open the store and load the CA; every failure names the command to run."""
    require_current_schema(settings.config_database)
    signers = CurrentSigner(settings)
    store = Store(settings.config_database)
    return Services(
        settings=settings,
        store=store,
        signers=signers,
        prover=Prover(settings.home.secret(SEAL_KEY).read_bytes(), signers.authorities.root_pem),
        clock=utc_now,
        limiter=RateLimiter(store, utc_now),
        enrolments=shared_enrolments(store),
    )


def create_app(parts: Services) -> DescribedApi:
    """The WSGI app: routes, guards, limits, metrics, problems."""
    app = DescribedApi(
        __name__,
        info=Info(title="Camfleet config_server", version=__version__),
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        doc_prefix="/config/openapi",
        validation_error_callback=refuse_invalid,
        static_folder=None,
    )
    app.json = PatientJson(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions[EXTENSION] = parts
    app.before_request(begin)
    app.before_request(enforce)
    app.before_request(limit_open_routes)
    app.after_request(finish)
    register_problems(app)
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    app.register_blueprint(OPERATIONS)
    PrometheusMetrics(app, group_by="endpoint", registry=CollectorRegistry())
    _guard_libraries(app)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def _guard_libraries(app: DescribedApi) -> None:
    """Name the guards of the routes that libraries bring: documentation and metrics."""
    views: dict[str, Any] = app.view_functions
    guarded(LOOPBACK)(views["prometheus_metrics"])
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/config/openapi"):
            views[rule.endpoint] = guarded(ANY_TOKEN)(_plain(views[rule.endpoint]))


def _plain(view: Any) -> Any:
    # A library's view may be a bound method, which cannot carry a mark: a function around it can.
    def call(**values: Any) -> Any:
        return view(**values)

    return call
