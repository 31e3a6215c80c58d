"""Enrolment over HTTPS: learn the root, have the server prove itself, then ask under that root for a certificate."""

from __future__ import annotations

import secrets
import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from fleet.identifiers import is_device_id
from fleet.pki import (
    EnrolmentToken,
    NotACertificate,
    make_csr,
    proof_is_right,
    public_key_of,
    read_certificate,
)
from fleet.pki.enrolment import NONCE_BYTES

TIMEOUT_S = 15.0
MAX_ANSWER_BYTES = 256 * 1024
ACCEPTED_NOT_YET = 202
TOO_MANY = 429


class EnrolmentRefused(Exception):
    """The server said no; the text says why and what to do."""


class SlowDown(EnrolmentRefused):
    """The server has answered this network often enough for the moment."""


class ServerNotTrusted(Exception):
    """The server did not prove that it made the token: nothing was told to it."""


class ServerUnreachable(Exception):
    """No usable answer from that address; the text says what was tried."""


class _Proof(BaseModel):
    root_pem: str
    proof: str = Field(pattern="^[0-9a-f]{64}$")


class _Sighted(BaseModel):
    root_pem: str
    poll_after_s: float = Field(default=5.0, ge=1, le=300)


class _Waiting(BaseModel):
    poll_after_s: float = Field(default=5.0, ge=1, le=300)


class Enrolled(BaseModel):
    """The server's answer: who this device is, and where its broker is."""

    device_id: str
    certificate_pem: str
    root_pem: str
    broker_host: str = Field(min_length=1)
    broker_port: int = Field(ge=1, le=65535)
    public_url: str
    server_time: AwareDatetime
    reconnect_spread_s: float = Field(default=0.0, ge=0, le=3600)


Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class EnrolmentServer:
    """One server's enrolment address; `ask` and `prove` each open a connection of their own."""

    url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" or not parts.hostname:
            raise ServerUnreachable(f"--server {self.url}: give an address that begins with https://")

    def prove(self, token: EnrolmentToken) -> bytes:
        """Return the root of the server that made the token, as PEM; raises ServerNotTrusted for any other."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        question = {"token_id": token.public_id, "nonce": nonce.hex()}
        answer = self._post("/config/enrol/proof", question, _trusting_nobody(), _Proof)
        root = answer.root_pem.encode()
        try:
            fingerprint = read_certificate(root).fingerprint
        except NotACertificate:
            raise ServerNotTrusted(f"{self.url} sent no certificate as its root: is it a Camfleet server?") from None
        if not proof_is_right(bytes.fromhex(answer.proof), token, nonce, fingerprint):
            raise ServerNotTrusted(
                f"{self.url} could not prove that it made this token: the token was not sent. "
                "Check the token and the address; if both are right, somebody is between you and the server"
            )
        return root

    def ask(self, token: EnrolmentToken, key: bytes, root: bytes) -> Enrolled:
        """Trade token and CSR for a certificate, over a fresh connection verified under `root`."""
        csr = make_csr(key, "camfleet-agent").decode()
        trusted = _trusting(root)
        answer = self._post("/config/enrol", {"token": str(token), "csr_pem": csr}, trusted, Enrolled)
        _check(answer, key, root)
        return answer

    def be_seen(self, key: bytes, name: str, ca: bytes | None) -> bytes:
        """Ask to be let in and return the root that the server shows; what it is worth, a person compares."""
        question = {"csr_pem": make_csr(key, "camfleet-agent").decode(), "name_wish": name}
        answer = self._post("/config/sightings", question, _trusting(ca) if ca else _trusting_nobody(), _Sighted)
        root = answer.root_pem.encode()
        _trusting(root)
        if ca is not None and read_certificate(root).fingerprint != read_certificate(ca).fingerprint:
            raise ServerNotTrusted(f"{self.url} shows another root than the one given with --ca: ask its operator")
        return root

    def collect(self, key: bytes, root: bytes) -> Enrolled | float:
        """Return the answer of an accepted device, or the seconds to wait; over TLS that leads to `root`."""
        question = {"csr_pem": make_csr(key, "camfleet-agent").decode()}
        status, body = self._send("/config/sightings/collect", question, _trusting(root))
        if status == ACCEPTED_NOT_YET:
            return self._read(body, _Waiting).poll_after_s
        answer = self._read(body, Enrolled)
        _check(answer, key, root)
        return answer

    def _post(self, path: str, question: dict[str, str], trust: ssl.SSLContext, kind: type[Answer]) -> Answer:
        return self._read(self._send(path, question, trust)[1], kind)

    def _send(self, path: str, question: dict[str, str], trust: ssl.SSLContext) -> tuple[int, bytes]:
        try:
            with (
                httpx.Client(verify=trust, timeout=TIMEOUT_S, trust_env=False) as client,
                client.stream("POST", self.url.rstrip("/") + path, json=question) as response,
            ):
                body = _read_bounded(response)
        except httpx.HTTPError as error:
            raise ServerUnreachable(f"cannot reach {self.url}: {_why(error)}") from error
        if response.status_code >= 400:
            refused = SlowDown if response.status_code == TOO_MANY else EnrolmentRefused
            raise refused(_refusal(response.status_code, body))
        return response.status_code, body

    def _read(self, body: bytes, kind: type[Answer]) -> Answer:
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            raise ServerUnreachable(f"{self.url} did not answer as a Camfleet server does: check the address") from None


def clock_error_s(answer: Enrolled, now: datetime) -> float:
    """Return how far this device's clock is ahead of the server's, in seconds."""
    return (now - answer.server_time).total_seconds()


def _trusting_nobody() -> ssl.SSLContext:
    """Encrypted, but to whom is not known: for what may be told to anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(root: bytes) -> ssl.SSLContext:
    try:
        read_certificate(root)
        return ssl.create_default_context(cadata=root.decode("ascii"))
    except (NotACertificate, UnicodeDecodeError, ssl.SSLError):
        raise ServerNotTrusted(
            "the given CA is no PEM certificate: give the server's root, e.g. its /ca/root.pem"
        ) from None


def _check(answer: Enrolled, key: bytes, root: bytes) -> None:
    try:
        facts = read_certificate(answer.certificate_pem.encode())
        same_root = read_certificate(answer.root_pem.encode()).fingerprint == read_certificate(root).fingerprint
    except NotACertificate as error:
        raise EnrolmentRefused(f"the server's answer is unusable: {error}; tell its operator") from None
    if not same_root:
        raise ServerNotTrusted(
            "the server named another root than it proved: give its root with --ca, or ask its operator"
        )
    if facts.public_key != public_key_of(key) or facts.common_name != answer.device_id:
        raise EnrolmentRefused("the server sent a certificate that is not for this device: ask for a new token")
    if not is_device_id(answer.device_id):
        raise EnrolmentRefused(f"the server gave the unusable device id {answer.device_id!r}: tell its operator")


def _read_bounded(response: httpx.Response) -> bytes:
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise httpx.DecodingError("the answer is too long")
    return body


def _refusal(status: int, body: bytes) -> str:
    try:
        problem: Any = httpx.Response(status, content=body).json()
        said = ": ".join(str(problem[key])[:200] for key in ("title", "detail") if problem.get(key))
    except (ValueError, AttributeError, TypeError):
        said = ""
    if status == TOO_MANY:
        return f"the server asks to slow down ({said or status}): wait a minute, then try again"
    if status >= 500:
        return f"the server has trouble ({said or status}): try again later, or tell its operator"
    return f"the server refused the enrolment ({said or status}): ask for a new token if this one was used or is old"


def _why(error: httpx.HTTPError) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.split("certificate verify failed:")[-1].split("(_ssl")[0].strip(" ]")
        return f"its certificate is not good ({reason}): check the host name in the URL and this device's clock"
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {TIMEOUT_S:.0f} s: check the address and the network"
    return f"{text or type(error).__name__}: check the address and the network"
