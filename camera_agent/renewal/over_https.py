"""Renewal over HTTPS under the root that the camera has: the way back for one whose certificate has ended."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import httpx
from pydantic import BaseModel, Field, ValidationError

from camera_agent.home import AgentHome
from camera_agent.renewal.asking import Holder, NoAnswer, RenewalRefused

TIMEOUT_S = 15.0
REFUSED = 403

Answer = TypeVar("Answer", bound=BaseModel)


class _Nonce(BaseModel):
    nonce: str = Field(pattern="^[0-9a-f]{64}$")


class _Renewed(BaseModel):
    certificate_pem: str = Field(max_length=16384)


@dataclass(frozen=True)
class OverHttps:
    """`server` is the address in agent.toml; the server is authenticated, the camera by its signature alone."""

    home: AgentHome
    server: str

    def ask(self, holder: Holder, now: datetime) -> bytes:  # noqa: ARG002  (the other way's messages carry it)
        nonce = self._post("/config/renew/nonce", {"device_id": holder.device_id}, _Nonce).nonce
        signed = holder.sign_for(bytes.fromhex(nonce))
        question = {
            "device_id": holder.device_id,
            "serial": holder.serial,
            "nonce": nonce,
            "csr_pem": signed.csr_pem,
            "signature": signed.signature.hex(),
        }
        return self._post("/config/renew", question, _Renewed).certificate_pem.encode()

    def _post(self, path: str, question: dict[str, str], kind: type[Answer]) -> Answer:
        if not self.server.startswith("https://"):
            raise NoAnswer("agent.toml names no server: add server = \"https://…\"")
        try:
            trust = ssl.create_default_context(cafile=str(self.home.credentials.ca))
            with httpx.Client(verify=trust, timeout=TIMEOUT_S, trust_env=False) as client:
                response = client.post(self.server.rstrip("/") + path, json=question)
        except (httpx.HTTPError, OSError) as error:
            raise NoAnswer(f"cannot reach {self.server}: {error}") from error
        if response.status_code == REFUSED:
            raise RenewalRefused(f"{self.server} refused the renewal")
        try:
            if not response.is_success:
                raise NoAnswer(f"{self.server} answered with status {response.status_code}")
            return kind.model_validate_json(response.content)
        except ValidationError:
            raise NoAnswer(f"{self.server} did not answer as a Camfleet server does") from None
