"""Ask a program whether it is healthy, from outside and within two seconds."""

import json
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from fleet.tls import NO_CAS

PROBE_TIMEOUT_S = 2.0
LOOPBACK = "127.0.0.1"
# An agent writes its state every two seconds.
STALE_S = 30.0


class Probe(Protocol):
    """One question to one program; `alive_s` is how long its process has been running."""

    def is_healthy(self, alive_s: float, /) -> bool: ...


@dataclass(frozen=True)
class HttpProbe:
    """Healthy when the address answers with a 2xx."""

    url: str

    def is_healthy(self, _alive_s: float, /) -> bool:
        try:
            return httpx.get(self.url, timeout=PROBE_TIMEOUT_S, trust_env=False, verify=NO_CAS).is_success
        except httpx.HTTPError:
            return False


@dataclass(frozen=True)
class TlsProbe:
    """Healthy when the port shows a certificate that its root vouches for."""

    port: int
    root: Path
    server_name: str = "localhost"

    def is_healthy(self, _alive_s: float, /) -> bool:
        try:
            context = ssl.create_default_context(cafile=str(self.root))
            with (
                socket.create_connection((LOOPBACK, self.port), PROBE_TIMEOUT_S) as plain,
                context.wrap_socket(plain, server_hostname=self.server_name),
            ):
                return True
        except OSError:
            return False


@dataclass(frozen=True)
class AgentProbe:
    """Healthy when the camera agent's own state file, written by this very run, says that it is connected."""

    state_file: Path

    def is_healthy(self, alive_s: float, /) -> bool:
        try:
            age_s = time.time() - self.state_file.stat().st_mtime
            state = json.loads(self.state_file.read_text())
        except (OSError, ValueError):
            return False
        return age_s < min(alive_s, STALE_S) and state.get("connected") is True


@dataclass(frozen=True)
class SettledProbe:
    """Healthy once it has lived for a while: for programs that offer nothing to ask."""

    after_s: float = 2.0

    def is_healthy(self, alive_s: float, /) -> bool:
        return alive_s >= self.after_s
