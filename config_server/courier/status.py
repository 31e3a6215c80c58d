"""Answer /healthz and /metrics on loopback, from a thread of its own."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


class PortTaken(Exception):
    """Somebody else listens on the port; the text names the setting to change."""


class StatusServer:
    """Serves the courier's condition and metrics until stopped."""

    def __init__(self, port: int, condition: Callable[[], dict[str, Any]], registry: CollectorRegistry) -> None:
        self._condition = condition
        self._registry = registry
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        except OSError as error:
            reason = error.strerror or error
            raise PortTaken(f"port {port} is taken ({reason}): free it or set CAMFLEET_COURIER_PORT") from error

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a path."""
        if path == "/healthz":
            return 200, "application/json", json.dumps(self._condition()).encode()
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        body = json.dumps({"type": "about:blank", "title": "Not Found", "status": 404})
        return 404, "application/problem+json", body.encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content_type, body = answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing: a health check every few seconds is not news."""

        return Handler
