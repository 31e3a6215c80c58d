"""A small web server that answers with what it was asked, to see what a proxy in front of it passes on."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def _handler(name: str) -> type[BaseHTTPRequestHandler]:
    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.partition("?")[0] == "/feed":
                self._stream()
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = len(self.rfile.read(length))
            answer = {"program": name, "path": self.path, "headers": dict(self.headers.items()), "body": body}
            self._send(json.dumps(answer).encode() + b" " * (500_000 if self.path == "/large" else 0))

        def do_POST(self) -> None:
            self.do_GET()

        def _send(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Referrer-Policy", "unsafe-url")
            self.end_headers()
            self.wfile.write(content)

        def _stream(self) -> None:
            """Send one line, then hold the connection: whoever buffers shows nothing."""
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: first\n\n")
            self.wfile.flush()
            released.wait(20)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    return Echo


released = threading.Event()


@contextmanager
def echo_server(name: str, port: int) -> Iterator[None]:
    """Answer on `port` as `name`."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(name))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()
