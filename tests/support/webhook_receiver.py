"""A real receiver of webhooks, as somebody else would write it from the documentation."""

import hashlib
import hmac
import json
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "a-secret-of-some-length"
PATH = "/hook/Zm9yLXVzLW9ubHk?token=s3cr3t-in-the-url"


@dataclass
class Receiver:
    """Keeps what it answered with 2xx. `answers` are the next ones; when there are no more it says 204."""

    url: str
    answers: deque[int] = field(default_factory=deque)
    headers: dict[str, str] = field(default_factory=dict)
    taken: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def line(self) -> str:
        """Its line in the file of webhooks."""
        return f"{self.url} {SECRET}"

    def answer_to(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Check the signature and answer."""
        assert path == PATH
        parts = dict(part.split("=", 1) for part in headers["camfleet-signature"].split(","))
        expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(expected, parts["v1"])
        events = json.loads(body)["events"]
        status = self.answers.popleft() if self.answers else 204
        self.requests.append({"status": status, "count": len(events), "bytes": len(body), "headers": headers})
        if 200 <= status < 300:
            self.taken += events
        return status


@contextmanager
def running_receiver(trusted: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Give a receiver on loopback: over TLS where a context with its certificate is given, else by plain HTTP."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    if trusted is not None:
        server.socket = trusted.wrap_socket(server.socket, server_side=True)
    scheme, host = ("http", "127.0.0.1") if trusted is None else ("https", "localhost")
    server.receiver = receiver = Receiver(f"{scheme}://{host}:{server.server_port}{PATH}")  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # Its sender died in the middle of it.
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            status = receiver.answer_to(self.path, headers, body)
        except AssertionError as wrong:
            receiver.requests.append({"status": 500, "wrong": repr(wrong)})
            status = 500
        self.send_response(status)
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
