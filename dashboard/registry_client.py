"""Ask config_server on a person's behalf; each of its failures becomes a problem that says what to do."""

import base64
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from dashboard.store.people import User
from fleet.logs import get_logger
from fleet.problem import Problem

log = get_logger(__name__)

TIMEOUT_S = 2.0
# For what makes a thousand of something; below Gunicorn's own limit.
LONG_TIMEOUT_S = 20.0
ACTOR_HEADER = "Camfleet-Actor"


@dataclass(frozen=True)
class Asker:
    """Who asks, for the registry's rights and audit log."""

    user: User
    request_id: str
    address: str | None = None

    def header(self) -> str:
        """Write Camfleet-Actor: ids only, no names."""
        sites = None if self.user.site_ids is None else sorted(self.user.site_ids)
        actor = {
            "user_id": self.user.id,
            "role": self.user.role,
            "site_ids": sites,
            "request_id": self.request_id,
        }
        return base64.urlsafe_b64encode(json.dumps(actor).encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Question:
    """One request to the registry; its body is JSON, or CSV when it is a text."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    is_long: bool = False

    def content(self) -> dict[str, Any]:
        """Return what httpx sends as the body."""
        if isinstance(self.body, str):
            return {"content": self.body.encode(), "headers": {"Content-Type": "text/csv; charset=utf-8"}}
        return {"json": self.body, "headers": {}}


@dataclass(frozen=True)
class Answer:
    """What the registry said when it did what was asked: JSON, or a text when it is CSV."""

    status: int
    body: Any


@dataclass(frozen=True)
class RegistryClient:
    """config_server on this host, and the file with the token that it knows the dashboard by."""

    url: str
    token_file: Path
    timeout_s: float = TIMEOUT_S

    @cached_property
    def _http(self) -> httpx.Client:
        # No connection is kept: one that the other side has just closed would fail a write that cannot be repeated.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(base_url=self.url, timeout=self.timeout_s, limits=limits, trust_env=False)

    def ask(self, question: Question, asker: Asker) -> Answer:
        """Ask and return the good answer; raises Problem for every other."""
        given = question.content()
        given["headers"] |= self._headers(asker)
        wait_s = LONG_TIMEOUT_S if question.is_long else self.timeout_s
        try:
            response = self._http.request(
                question.method, question.path, params=question.query, timeout=wait_s, **given
            )
        except httpx.HTTPError as error:
            log.error("the registry does not answer", url=self.url, reason=str(error) or type(error).__name__)
            raise _no_answer() from error
        return self._read(response)

    def _headers(self, asker: Asker) -> dict[str, str]:
        try:
            token = self.token_file.read_text().strip()
        except OSError as error:
            log.error("no service token", file=str(self.token_file), reason=error.strerror)
            raise _not_known() from error
        headers = {
            "Authorization": f"Bearer {token}",
            ACTOR_HEADER: asker.header(),
            "X-Request-Id": asker.request_id,
        }
        return headers | ({"X-Forwarded-For": asker.address} if asker.address else {})

    def _read(self, response: httpx.Response) -> Answer:
        if response.status_code == 401:
            log.error("the registry refuses the service token", url=self.url)
            raise _not_known()
        if response.is_success and response.headers.get("Content-Type", "").startswith("text/csv"):
            return Answer(response.status_code, response.text)
        try:
            body = response.json() if response.content else None
        except ValueError as error:
            log.error("the registry's answer is no JSON", url=self.url, status=response.status_code)
            raise _no_answer() from error
        if response.is_success:
            return Answer(response.status_code, body)
        raise _problem(response.status_code, body)


def _problem(status: int, body: Any) -> Problem:
    said = body if isinstance(body, dict) else {}
    title = str(said.get("title") or "The registry refused")
    detail = str(said.get("detail") or f"config_server answered {status}; its log says why.")
    return Problem(status if status >= 400 else 502, title, detail)


def _no_answer() -> Problem:
    return Problem(
        503,
        "The registry does not answer",
        "It may not have been changed. `./managed_start.sh status` on the server tells whether config_server runs.",
    )


def _not_known() -> Problem:
    return Problem(
        503,
        "The registry does not know the dashboard",
        "The service token is missing or not accepted: run `camfleet ca init` on the server, then restart it.",
    )
