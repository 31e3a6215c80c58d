"""Answer /healthz and /metrics on loopback from a thread of its own."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

JSON_TYPE = "application/json"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class PortTaken(Exception):
    """Somebody else listens on the port; the text names the setting to change."""


@dataclass
class StatusServer:
    """Serves what `describe` returns (200 unless its status is `down`) and the registry's metrics."""

    port: int
    describe: Callable[[], dict[str, Any]]
    registry: CollectorRegistry
    refresh: Callable[[], None]
    setting: str = "CAMFLEET_INGEST_PORT"
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen on 127.0.0.1; raises PortTaken."""
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        except OSError as error:
            raise PortTaken(f"port {self.port} is taken ({error.strerror}): free it or set {self.setting}") from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return status, content type and body for a path."""
        if path == "/healthz":
            body = self.describe()
            return (503 if body["status"] == "down" else 200), JSON_TYPE, json.dumps(body).encode()
        if path == "/metrics":
            self.refresh()
            return 200, METRICS_TYPE, generate_latest(self.registry)
        return 404, JSON_TYPE, b'{"status": 404}'

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = server.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing: a health check every few seconds is not news."""

        return Handler
