"""A ten-line enrolment server over real TLS, honest or rogue, for tests of the camera's side."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fleet.pki import EnrolmentToken, device_profile, make_proof, new_token, prove_key, read_certificate, read_csr
from tests.support.authorities import CRL_URL, Authorities


@dataclass
class EnrolmentServerFake:
    """What it answers can be bent by a test; `asked` keeps every question with its path."""

    authorities: Authorities = field(default_factory=Authorities)
    token: EnrolmentToken = field(default_factory=new_token)
    device_id: str = "cam-front-1"
    proof_key: bytes | None = None
    bent: dict[str, Any] = field(default_factory=dict)
    refuse_with: tuple[int, bytes] | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, question: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append((path, question))
        if path.endswith("/proof"):
            return 200, json.dumps(self._proof(question)).encode()
        return self.refuse_with or (200, json.dumps({**self._enrolled(question), **self.bent}).encode())

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def _proof(self, question: dict[str, str]) -> dict[str, str]:
        root = self.authorities.root.certificate_pem
        fingerprint = read_certificate(root).fingerprint
        key = self.proof_key or prove_key(self.token)
        proof = make_proof(key, question["token_id"], bytes.fromhex(question["nonce"]), fingerprint)
        return {"root_pem": root.decode(), "proof": proof.hex()}

    def _enrolled(self, question: dict[str, str]) -> dict[str, Any]:
        public_key = read_csr(question["csr_pem"].encode()).public_key
        issuing = self.authorities.issuing
        leaf = issuing.issue(device_profile(self.device_id, CRL_URL), public_key, datetime.now(UTC))
        return {
            "device_id": self.device_id,
            "certificate_pem": (leaf + issuing.certificate_pem).decode(),
            "root_pem": self.authorities.root.certificate_pem.decode(),
            "broker_host": "broker.example",
            "broker_port": 8883,
            "public_url": "https://example",
            "server_time": datetime.now(UTC).isoformat(),
            "reconnect_spread_s": 2.5,
        }


@contextmanager
def serving(fake: EnrolmentServerFake, folder: Path, tls: Authorities | None = None) -> Iterator[EnrolmentServerFake]:
    """Serve `fake` on a free port; `tls` signs the server's own certificate when that is somebody else's."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = fake.answer(self.path, question)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    files = (tls or fake.authorities).write_host(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    fake.url = f"https://localhost:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
