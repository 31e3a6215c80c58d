"""The whole platform in a folder of its own, started the way a user starts it: by ./managed_start.sh."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.settings import ServerSettings, load
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "managed_start.sh"
PORTS = ("BROKER", "BROKER_SERVERS", "HTTPS", "HTTP", "CRL", "DASHBOARD", "CONFIG", "FEED", "INGEST", "COURIER")
COMMAND_S = 170.0


@dataclass
class Platform:
    """One Camfleet on free loopback ports. `ledger` makes every local camera write one beside its outbox."""

    home: Path
    ledger: bool = False
    environment: dict[str, str] = field(init=False)
    settings: ServerSettings = field(init=False)
    password: str = ""
    demo_said: str = ""
    demo_took_s: float = 0.0
    _outside: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ports = {f"CAMFLEET_{name}_PORT": str(free_port()) for name in PORTS}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CAMFLEET_")}
        self.environment = inherited | ports | {"CAMFLEET_HOME": str(self.home)}
        if self.ledger:
            self.environment["CAMFLEET_AGENT_LEDGER"] = "ledger.jsonl"
        given = {name.removeprefix("CAMFLEET_").lower(): int(port) for name, port in ports.items()}
        self.settings = load(ServerSettings, CAMFLEET_HOME=self.home, **given)

    @property
    def url(self) -> str:
        """Where this host's browser opens the pages."""
        return f"http://127.0.0.1:{self.settings.http_port}"

    def call(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ./managed_start.sh with this platform's environment."""
        return self._run([str(SCRIPT), *arguments], check)

    def command(self, name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `camfleet` or `camfleet-agent` with this platform's environment."""
        return self._run([str(ROOT / ".venv" / "bin" / name), *arguments], check)

    def _run(self, argv: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, timeout=COMMAND_S, check=False, cwd=ROOT
        )
        if check:
            assert done.returncode == 0, f"{argv} exited {done.returncode}: {done.stdout}\n{done.stderr}"
        return done

    def demo(self) -> None:
        """Run the demo; remembers what it said, how long it took, and the password that it showed."""
        began = time.monotonic()
        self.demo_said = self.call("demo").stdout
        self.demo_took_s = time.monotonic() - began
        shown = re.search(r"password:\s+(\S+)", self.demo_said)
        assert shown, f"the demo showed no password: {self.demo_said}"
        self.password = shown[1]

    def status(self) -> dict[str, dict[str, Any]]:
        """Return what `status --json` says of each program."""
        said = json.loads(self.call("status", "--json", check=False).stdout)
        return {program["name"]: program for program in said["programs"]}

    def cameras(self) -> list[str]:
        """Return the device ids of the cameras that the supervisor runs."""
        return sorted(file.parent.name for file in self.settings.home.cameras.glob("cam-*/agent.toml"))

    def start_outside(self, home: Path) -> int:
        """Run an agent that the supervisor knows nothing of; returns its pid."""
        with (home / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                [str(ROOT / ".venv" / "bin" / "camfleet-agent"), "run", "--home", str(home)],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self._outside[str(home)] = process
        return process.pid

    def kill_outside(self, home: Path, number: signal.Signals = signal.SIGKILL) -> None:
        """End an agent that `start_outside` began."""
        process = self._outside.pop(str(home))
        process.send_signal(number)
        process.wait(20)

    def stop(self) -> None:
        """End everything that this object started."""
        for home in list(self._outside):
            self.kill_outside(Path(home))
        self.call("stop", check=False)


@contextlib.contextmanager
def running_demo(home: Path, *, ledger: bool = False) -> Iterator[Platform]:
    """Run the demo under `home`, and stop it however the test ends."""
    platform = Platform(home, ledger=ledger)
    try:
        platform.demo()
        yield platform
    finally:
        platform.stop()
