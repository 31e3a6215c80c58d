"""Speak config_server's REST API for the command line; every failure is one line that says what to do."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from config_server.secrets_files import ADMIN_TOKEN, read_secret
from config_server.settings import ConfigSettings
from fleet.cli import CommandFailed

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class RestClient:
    """One server and the token that it should accept."""

    server: str
    token: str = field(repr=False)
    token_file: Path
    ca_file: Path

    @classmethod
    def of(cls, settings: ConfigSettings, server: str | None, token_file: Path | None) -> "RestClient":
        """By default this host's config_server with its admin token."""
        path = token_file or settings.home.secret(ADMIN_TOKEN)
        try:
            token = read_secret(path)
        except OSError as error:
            problem = error.strerror or error
            raise CommandFailed(f"no API token in {path} ({problem}): give one with --token-file") from error
        url = (server or f"http://127.0.0.1:{settings.config_port}").rstrip("/")
        return cls(url, token, path, settings.home.authorities / "root.pem")

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """GET a resource."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, params=given)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """POST to a resource."""
        return self._ask("POST", path, json=body)

    def delete(self, path: str) -> None:
        """DELETE a resource."""
        self._ask("DELETE", path)

    def post_csv(self, path: str, lines: str) -> dict[str, Any]:
        """POST a list; a CSV answer comes as {"csv": text}."""
        return self._ask("POST", path, content=lines.encode(), headers={"Content-Type": "text/csv"})

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with httpx.Client(
                base_url=self.server, headers=headers, timeout=TIMEOUT_S, verify=self._tls(), trust_env=False
            ) as client:
                response = client.request(method, path, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = str(error) or type(error).__name__
            raise CommandFailed(
                f"no config_server answers at {self.server} ({problem}):"
                " start it with './managed_start.sh start', or give its address with --server"
            ) from error
        return self._read(response)

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code == 204:
            return {}
        if response.is_success and response.headers.get("Content-Type", "").startswith("text/csv"):
            return {"csv": response.text}
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code == 401:
            raise CommandFailed(f"{self.server} does not accept the token in {self.token_file}")
        if not isinstance(answer, dict):
            raise CommandFailed(f"{self.server} is not a config_server (status {response.status_code})")
        if response.is_error:
            raise CommandFailed(answer.get("detail") or answer.get("title") or f"status {response.status_code}")
        return answer

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ca_file.exists():
            context.load_verify_locations(self.ca_file)
        return context
