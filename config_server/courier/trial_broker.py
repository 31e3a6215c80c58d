"""Try an ACL file and revocation lists in a second Mosquitto before the real one reads them: its reload fails open."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config_server.canary import canary_files
from config_server.courier.control import BrokerFault
from config_server.courier.handshake import REVOKED, handshake_refusal
from fleet.home import Home, make_private_folder, write_file

START_S = 10.0
LOOK_S = 0.005
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"


@dataclass(frozen=True)
class TrialBroker:
    """Starts Mosquitto on a free loopback port with the files given, as the same user, and stops it again."""

    home: Home

    def accept(self, access_file: Path, crl_file: Path) -> None:
        """Raise BrokerFault unless it starts with these files and refuses the canary for being revoked."""
        port = _free_port()
        folder = make_private_folder(self.home.path / "broker" / "trial")
        config, log = folder / "mosquitto.conf", folder / "broker.log"
        write_file(config, self._config(port, access_file, crl_file).encode())
        with _running(config, log) as process:
            deadline = time.monotonic() + START_S
            while not self._refuses_canary(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BrokerFault(f"a trial broker does not take the new files: {_last_word(log)}")
                time.sleep(LOOK_S)

    def _refuses_canary(self, port: int) -> bool:
        """Say whether it does; a broker that ends at its start accepts connections before it has read its lists."""
        root = str(self.home.credentials("broker").folder / "cameras-ca.pem")
        try:
            refusal = handshake_refusal(("127.0.0.1", port), root, canary_files(self.home))
        except OSError:
            return False
        if refusal is None:
            raise BrokerFault("a trial broker with the new lists lets a revoked certificate in")
        return REVOKED in refusal

    def _config(self, port: int, access_file: Path, crl_file: Path) -> str:
        broker = self.home.credentials("broker")
        lines = [
            "allow_anonymous false",
            f"acl_file {access_file}",
            "persistence false",
            f"log_dest file {self.home.path / 'broker' / 'trial' / 'broker.log'}",
            f"listener {port} 127.0.0.1",
            f"cafile {broker.folder / 'cameras-ca.pem'}",
            f"crlfile {crl_file}",
            f"certfile {broker.certificate}",
            f"keyfile {broker.key}",
            "require_certificate true",
            "use_identity_as_username true",
        ]
        return "\n".join((["user root"] if os.geteuid() == 0 else []) + lines) + "\n"


@contextmanager
def _running(config: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    log.unlink(missing_ok=True)
    command = [shutil.which("mosquitto") or shutil.which("mosquitto", path=SYSTEM_FOLDERS) or "mosquitto"]
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen([*command, "-c", str(config)], stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError as error:
        raise BrokerFault(f"no trial broker can be started: {error}") from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _last_word(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if "Error" in line] if log.exists() else []
    return lines[0].partition(" ")[2] if lines else "it said nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
