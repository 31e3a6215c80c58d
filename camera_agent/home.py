"""Where everything of one agent lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleet.home import CredentialFiles


@dataclass(frozen=True)
class AgentHome:
    """The agent's folder; nothing is written outside it but the ledger and replay files that were asked for."""

    path: Path

    @property
    def settings(self) -> Path:
        return self.path / "agent.toml"

    @property
    def credentials(self) -> CredentialFiles:
        return CredentialFiles(self.path)

    @property
    def next_key(self) -> Path:
        """The key of an identity that is being asked for."""
        return self.path / "key.pem.new"

    @property
    def next_certificate(self) -> Path:
        """The certificate of `next_key`, until both take their places."""
        return self.path / "certificate.pem.new"

    @property
    def renewal(self) -> CredentialFiles:
        """The next key and certificate, beside the ones in use until they have proved good."""
        return CredentialFiles(self.path / "renewal")

    @property
    def outbox(self) -> Path:
        return self.path / "outbox.db"

    @property
    def state(self) -> Path:
        """What the running agent says about itself, for programs of the same host."""
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the running agent: two on one identity would throw each other off the broker."""
        return self.path / "agent.lock"
