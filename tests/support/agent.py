"""A real agent process against a broker, on the committed sample, for anybody's tests."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from fleet.home import CredentialFiles
from fleet.mqtt import BrokerAddress
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "camera_agent" / "footage" / "vtest.mp4"
STREAMS = {"main": {"source": f"file:{SAMPLE}", "labels": ["person"]}}


@dataclass
class AgentProcess:
    """One `camfleet-agent run` in `home`. Its identity, outbox and ledger outlive `kill` and `stop`.

    `module` may be another that takes the same arguments.
    """

    home: Path
    device_id: str
    broker: BrokerAddress
    credentials: CredentialFiles
    streams: dict[str, dict[str, Any]] = field(default_factory=lambda: STREAMS)
    health_interval_s: float = 1.0
    log_file: Path | None = None
    module: str = "camera_agent"
    _process: subprocess.Popen[bytes] | None = None

    @property
    def ledger_file(self) -> Path:
        """Where every decided event is written before it is published."""
        return self.home / "ledger.jsonl"

    @property
    def log(self) -> str:
        """What the agent has logged so far."""
        file = self._log_file
        return file.read_text() if file.exists() else ""

    @property
    def _log_file(self) -> Path:
        return self.log_file or self.home / "agent.log"

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def write_home(self) -> None:
        """Write the identity and agent.toml as an enrolment does."""
        self.home.mkdir(parents=True, exist_ok=True)
        for file in ("certificate.pem", "key.pem", "ca.pem"):
            shutil.copy(self.credentials.folder / file, self.home / file)
        (self.home / "agent.toml").write_text(self._settings_text())

    def start(self) -> None:
        """Start it; it may not be connected yet."""
        command = [sys.executable, "-m", self.module, "run"]
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--home", str(self.home), "--ledger", str(self.ledger_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                cwd=ROOT,
            )

    def wait_connected(self, timeout_s: float = 30.0) -> None:
        """Wait until this very process says in state.json that it is connected."""
        wait_until(lambda: self.state.get("connected"), timeout_s, f"agent connects; its log: {self.log}")

    @property
    def state(self) -> dict[str, Any]:
        """state.json of this process; empty until it has written one."""
        try:
            state: dict[str, Any] = json.loads((self.home / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return state if state["pid"] == self.pid else {}

    def ledger(self) -> list[dict[str, Any]]:
        """Every event decided so far, oldest first."""
        lines = self.ledger_file.read_text().splitlines() if self.ledger_file.exists() else []
        return [json.loads(line) for line in lines]

    def last_changes(self) -> dict[str, str]:
        """Return event id → what its newest revision in the ledger says: new, update or end."""
        newest = sorted(self.ledger(), key=lambda line: int(line["rev"]))
        return {line["event_id"]: line["change"] for line in newest}

    def kept_revisions(self) -> dict[UUID, int]:
        """Return event id → highest rev of what the outbox still holds."""
        with contextlib.closing(sqlite3.connect(self.home / "outbox.db")) as outbox:
            rows = outbox.execute("SELECT event_id, max(rev) FROM outbox GROUP BY event_id").fetchall()
        return {UUID(event_id): int(rev) for event_id, rev in rows}

    def stop(self) -> int:
        """Stop it as a supervisor does; returns its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it as a crash does."""
        self._end(signal.SIGKILL)

    @property
    def ended_with(self) -> int | None:
        """The exit status of a process that ended by itself; None while it runs."""
        return self._process.poll() if self._process else None

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(20)
        self._process = None
        return status

    def _settings_text(self) -> str:
        top = {
            "device_id": self.device_id,
            "broker_host": self.broker.host,
            "broker_port": self.broker.port,
            "health_interval_s": self.health_interval_s,
        }
        sections = {f"\n[streams.{name}]": values for name, values in self.streams.items()}
        return _toml(top) + "".join(f"{head}\n{_toml(values)}" for head, values in sections.items())


def _toml(values: dict[str, Any]) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


@contextlib.contextmanager
def running_agent(agent: AgentProcess) -> Iterator[AgentProcess]:
    """Write its home, start it, and kill it at the end if it still runs."""
    agent.write_home()
    agent.start()
    try:
        yield agent
    finally:
        agent.kill()
