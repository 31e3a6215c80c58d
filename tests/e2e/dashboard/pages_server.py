"""The dashboard's pages before a pretended fleet: JSON API and feed answer from memory."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.serving import WSGIRequestHandler, make_server

from dashboard.api.audit import audit
from dashboard.api.people import people_api
from dashboard.api.registry import REGISTRY_CLIENT, registry
from dashboard.guards import SESSIONS
from dashboard.pages import pages
from dashboard.store.people import User
from fleet.problem import Problem
from tests.e2e.dashboard.pretended_people import PretendedSessions
from tests.support.ports import free_port
from tests.support.pretended_registry import PretendedRegistry

Json = dict[str, Any]
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; report-uri /csp-report"
)
PAGE_SIZE = 50


class Quiet(WSGIRequestHandler):
    """Answers without a line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass
class PretendedFleet:
    """What the API answers, and the feed's listeners."""

    cameras: dict[str, Json] = field(default_factory=dict)
    events: dict[str, Json] = field(default_factory=dict)
    telemetry: list[Json] = field(default_factory=list)
    change_seq: int = 0
    is_feed_up: bool = True
    feed_requests: list[str] = field(default_factory=list)
    registry: PretendedRegistry = field(default_factory=PretendedRegistry)
    sessions: PretendedSessions = field(default_factory=PretendedSessions)
    role: str = "admin"
    _listeners: list["queue.Queue[str | None]"] = field(default_factory=list)

    def put(self, cameras: list[Json] | None = None, events: list[Json] | None = None) -> None:
        """Store changes and tell every listener, as the feed would."""
        changes = {"cameras": cameras or [], "events": events or []}
        for row in (*changes["cameras"], *changes["events"]):
            self.change_seq += 1
            row["change_seq"] = self.change_seq
        self.cameras |= {camera["device_id"]: camera for camera in changes["cameras"]}
        self.events |= {event["event_id"]: event for event in changes["events"]}
        self._tell(f"event: changes\nid: {self.change_seq}\ndata: {json.dumps(changes)}\n\n")

    def summarise(self) -> None:
        """Tell every listener that it fell too far behind."""
        summary = {"cursor": self.change_seq, "skipped": 1000}
        self._tell(f"event: summary\ndata: {json.dumps(summary)}\n\n")

    def cut_feed(self) -> None:
        """Close all streams and refuse new ones until `restore_feed`."""
        self.is_feed_up = False
        for listener in self._listeners:
            listener.put(None)

    def restore_feed(self) -> None:
        """Accept streams again."""
        self.is_feed_up = True

    def listen(self) -> Iterator[str]:
        """Stream until the feed is cut."""
        listener: queue.Queue[str | None] = queue.Queue()
        self._listeners.append(listener)
        yield ": hello\n\n"
        while (message := listener.get()) is not None:
            yield message

    def is_followed(self) -> bool:
        """Whether a page listens."""
        return bool(self._listeners)

    def _tell(self, message: str) -> None:
        for listener in self._listeners:
            listener.put(message)


def make_app(fleet: PretendedFleet) -> Flask:
    """Wire the real blueprints to the pretended fleet, people and registry."""
    app = Flask("dashboard")
    for blueprint in (pages, registry, people_api, audit):
        app.register_blueprint(blueprint)
    app.extensions |= {REGISTRY_CLIENT: fleet.registry, SESSIONS: fleet.sessions}
    _add_person(app, fleet)
    _add_context(app, fleet)
    _add_login(app)
    _add_cameras(app, fleet)
    _add_events(app, fleet)
    return app


def _add_person(app: Flask, fleet: PretendedFleet) -> None:
    @app.before_request
    def sign_in() -> tuple[str, int] | None:
        g.user, g.request_id = User("u-1", "ada", fleet.role, ""), "req-00000001"
        is_write = request.path.startswith("/api/") and request.method != "GET"
        return ("{}", 400) if is_write and request.headers.get("X-CSRFToken") != "t0ken" else None

    @app.errorhandler(Problem)
    def refuse(problem: Problem) -> Response:
        return make_response(problem.to_dict("req-00000001"), problem.status)


def _add_context(app: Flask, fleet: PretendedFleet) -> None:
    @app.context_processor
    def context() -> Json:
        user = {"name": "ada", "role": fleet.role}
        return {"user": user, "csrf_token": "t0ken", "public_url": "http://localhost", "version": "0.1.0"}

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Cache-Control"] = "no-cache"
        return response

    @app.post("/csp-report")
    def csp_report() -> tuple[str, int]:
        return "", 204


def _add_login(app: Flask) -> None:
    @app.get("/login")
    def login() -> str:
        error = "Wrong user name or password." if "wrong" in request.args else None
        return render_template("login.html", next=request.args.get("next"), error=error)

    @app.post("/logout")
    def logout() -> str:
        return render_template("login.html", next=None, error=None)

    @app.get("/broken")
    def broken() -> tuple[str, int]:
        what = {"status": 404, "title": "No such page", "detail": "The address may be mistyped."}
        return render_template("error.html", request_id="req-123", **what), 404


def _add_cameras(app: Flask, fleet: PretendedFleet) -> None:
    @app.get("/api/v1/cameras")
    def cameras() -> Response:
        return jsonify(items=list(fleet.cameras.values()), cursor=fleet.change_seq)

    @app.get("/api/v1/cameras/<device_id>")
    def camera(device_id: str) -> Response | tuple[Response, int]:
        found = fleet.cameras.get(device_id)
        if found is None:
            problem = {"status": 404, "title": "No such camera", "detail": f"There is no camera {device_id}."}
            return jsonify(**problem, request_id="req-7"), 404
        return jsonify(**found, telemetry=fleet.telemetry[-1] if fleet.telemetry else None)

    @app.get("/api/v1/cameras/<device_id>/telemetry")
    def telemetry(device_id: str) -> Response:
        return jsonify(items=fleet.telemetry)


def _add_events(app: Flask, fleet: PretendedFleet) -> None:
    @app.get("/api/v1/events")
    def events() -> Response:
        rows = sorted(fleet.events.values(), key=lambda row: -row["change_seq"])
        before = int(request.args.get("cursor") or 2**60)
        found = [row for row in rows if row["change_seq"] < before and _is_asked_for(row)]
        page = found[: int(request.args.get("limit", PAGE_SIZE))]
        more = len(found) > len(page)
        return jsonify(items=page, cursor=page[-1]["change_seq"] if more else None)

    @app.get("/feed")
    def feed() -> Response:
        fleet.feed_requests.append(request.query_string.decode())
        if not fleet.is_feed_up:
            return Response(status=503)
        return Response(fleet.listen(), mimetype="text/event-stream")


def _is_asked_for(row: Json) -> bool:
    asked = request.args
    return bool(
        asked.get("camera", row["device_id"]) == row["device_id"]
        and asked.get("label", row["label"]) == row["label"]
        and asked.get("site", row["site_id"]) == row["site_id"]
        and asked.get("after", "") <= row["started_at"]
        and row["started_at"] <= asked.get("before", "9")
    )


@contextmanager
def serving(fleet: PretendedFleet) -> Iterator[str]:
    """Serve the pages and yield their base URL."""
    port = free_port()
    server = make_server("127.0.0.1", port, make_app(fleet), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        fleet.cut_feed()
        server.shutdown()
        thread.join(5)
