"""Look at everything that an agent needs before or while it runs, and name the fix for what is wrong."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from camera_agent.capture.source import SourceFailed
from camera_agent.capture.spec import SourceUnknown
from camera_agent.delivery import outbox_file
from camera_agent.delivery.outbox_file import OutboxUnusable
from camera_agent.enrolment.identity import IdentityUnusable, read_identity
from camera_agent.home import AgentHome
from camera_agent.settings import AgentSettings, StreamSettings
from camera_agent.streams.building import new_source
from camera_agent.vision.detectors import load_default_model
from camera_agent.vision.model import ModelRefused
from fleet.tls import describe

BROKER_TIMEOUT_S = 5.0
REFUSAL_WAIT_S = 1.0
EXPIRES_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `said` holds the fix when it is not good."""

    what: str
    is_good: bool
    said: str


def check_everything(home: AgentHome, settings: AgentSettings, now: datetime) -> list[Finding]:
    """Model, identity, each stream's source, the disk, the outbox on it, the broker: in the order to mend them."""
    streams = [_look(f"stream {name}", partial(_source, wanted)) for name, wanted in settings.streams.items()]
    return [
        _look("model", _model),
        _look("identity", lambda: _identity(home, settings, now)),
        *streams,
        _look("disk", lambda: _disk(home)),
        _look("outbox", lambda: _outbox(home)),
        _look("broker", lambda: _broker(home, settings)),
    ]


class _Wrong(Exception):
    """What was found wrong, with its fix."""


def _look(what: str, at: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, at())
    except (_Wrong, ModelRefused, IdentityUnusable, OutboxUnusable, SourceFailed, SourceUnknown) as error:
        return Finding(what, False, str(error))


def _model() -> str:
    manifest = load_default_model().manifest
    return f"{manifest.name}, sha256 {manifest.sha256[:12]}… as its manifest says"


def _identity(home: AgentHome, settings: AgentSettings, now: datetime) -> str:
    facts = read_identity(home)
    if facts.common_name != settings.device_id:
        raise _Wrong(f"the certificate is for {facts.common_name}, not {settings.device_id}: correct agent.toml")
    if now < facts.not_before:
        raise _Wrong(f"the certificate begins at {facts.not_before:%Y-%m-%d %H:%M} UTC: set this device's clock")
    if now >= facts.not_after:
        ended = f"the certificate ended on {facts.not_after:%Y-%m-%d}"
        raise _Wrong(f"{ended}: run the agent, which renews it for 90 days; after that enrol again with --force")
    left = facts.not_after - now
    hint = ", renewal is overdue" if left < EXPIRES_SOON else ""
    return f"{facts.common_name}, key and certificate belong together, {left.days} days left{hint}"


def _source(stream: StreamSettings) -> str:
    source = new_source(stream)
    try:
        source.open()
        return f"{source.kind}, {source.width}×{source.height} at {source.fps:g} frames/s"
    finally:
        source.close()


def _disk(home: AgentHome) -> str:
    probe = home.path / ".check"
    try:
        try:
            probe.write_bytes(b"x")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _Wrong(f"cannot write to {home.path} ({error.strerror}): make room or make it writable") from None
    return f"{home.path} can be written"


def _outbox(home: AgentHome) -> str:
    if not home.outbox.exists():
        return "not made yet"
    facts = outbox_file.look(home.outbox)
    if facts is None:
        raise _Wrong(f"{home.outbox} cannot be read: the next start puts it aside and takes over what it can")
    return f"{facts.rows} events wait"


def _broker(home: AgentHome, settings: AgentSettings) -> str:
    where = f"{settings.broker_host}:{settings.broker_port}"
    files = home.credentials
    if not (files.ca.exists() and files.certificate.exists() and files.key.exists()):
        raise _Wrong("not asked without an identity: mend that first")
    try:
        context = ssl.create_default_context(cafile=str(files.ca))
        context.load_cert_chain(str(files.certificate), str(files.key))
        address = (settings.broker_host, settings.broker_port)
        with (
            socket.create_connection(address, BROKER_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=settings.broker_host) as secure,
        ):
            _hear_refusal(secure)
            return f"{where} answers over {secure.version()} and takes this certificate"
    except OSError as error:
        raise _Wrong(f"{where}: {describe(error)}; check broker_host, broker_port and the network") from None


def _hear_refusal(secure: ssl.SSLSocket) -> None:
    """Wait for the alert by which TLS 1.3 refuses a client only after the client thinks that all is well."""
    secure.settimeout(REFUSAL_WAIT_S)
    try:
        if secure.recv(1) == b"":
            raise ConnectionResetError("the broker closed the connection")
    except TimeoutError:
        return
