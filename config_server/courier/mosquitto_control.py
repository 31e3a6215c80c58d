"""Cut cameras off at Mosquitto, by the procedure that was found good: its reloads fail open, so nothing is trusted."""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from config_server.canary import canary_files
from config_server.courier.control import BrokerFault, NotRunning, Refusals
from config_server.courier.handshake import REVOKED, handshake_refusal
from config_server.courier.takeover import HOLD_S, Takeover
from config_server.courier.trial_broker import TrialBroker
from config_server.host_credentials import BROKER
from config_server.reload import HOOK_TIMEOUT_S, Reader, ReloadFailed
from config_server.revocation import ALERT_BELOW
from config_server.settings import ConfigSettings
from fleet.access import SERVER_RULES
from fleet.access_file import render_access_file
from fleet.home import move_file, write_file
from fleet.mqtt import BrokerAddress
from fleet.pki import NotACrl, read_crls

KICKER = "srv-kick-1"
RELOADING = "Reloading config."
# `2026-11-21T16:48:39: Error: …` and `…: Error opening …`; a client's failed handshake says `OpenSSL Error` instead.
ERROR_LINE = re.compile(r"^\S+ Error\b.*$", re.MULTILINE)
ASK_AGAIN_S = 0.5
RELOAD_S = 10.0
RESTART_S = 30.0
LOOK_S = 0.01


@dataclass(frozen=True)
class MosquittoControl:
    """Works on the files of this host's broker, its pid file and its log."""

    settings: ConfigSettings
    hold_s: float = HOLD_S

    def deny(self, refusals: Refusals) -> None:
        """Write both files beside the old ones, try them, and put the ACL in its place."""
        access, lists = self._fresh(self._access_file), self._fresh(self._crl_file)
        write_file(access, render_access_file(refusals.denied).encode())
        write_file(lists, refusals.crl_pem)
        check_access_file(access.read_text(), refusals.denied)
        check_lists(lists.read_bytes(), refusals, datetime.now(UTC))
        TrialBroker(self.settings.home).accept(access, lists)
        move_file(access, self._access_file)

    def revoke(self, refusals: Refusals) -> None:
        """Put the lists in their place; `deny` has tried them, and what lies there is what it tried."""
        lists = self._fresh(self._crl_file)
        if not lists.exists() or lists.read_bytes() != refusals.crl_pem:
            raise BrokerFault("the tried revocation lists are gone: the courier tries again")
        move_file(lists, self._crl_file)

    def reload(self) -> None:
        """Ask until the broker says that it reloads; on any error of its own in the log restart it (fails closed)."""
        seen = self._log_size()
        self._ask_to_reload(seen)
        # One loop serves everything: once it answers a client again, the reload is over and its errors are written.
        self._answers()
        errors = ERROR_LINE.findall(self._log_since(seen))
        if errors:
            self._restart()
            raise BrokerFault(f"the broker was restarted, it could not load its files: {errors[0].partition(' ')[2]}")

    def kick(self, device_ids: Iterable[str]) -> Takeover:
        """Take the sessions over from the servers' listener, where client ids are free."""
        address = BrokerAddress("127.0.0.1", self.settings.broker_servers_port)
        takeover = Takeover(address, self.settings.home.credentials(KICKER), self.hold_s)
        takeover.take(device_ids)
        return takeover

    def prove(self, device_ids: Iterable[str]) -> None:  # noqa: ARG002  (the canary stands for all of them)
        """The canary, which is in every list, must be refused, and for being revoked."""
        broker = self.settings.home.credentials(BROKER)
        host = "127.0.0.1" if self.settings.listen in ("0.0.0.0", "::", "") else self.settings.listen  # noqa: S104
        address, root = (host, self.settings.broker_port), str(broker.folder / "cameras-ca.pem")
        try:
            refusal = handshake_refusal(address, root, canary_files(self.settings.home))
        except OSError as error:
            raise BrokerFault(f"the proof is open: {error}") from error
        if refusal is None or REVOKED not in refusal:
            raise BrokerFault(f"a revoked certificate was not refused as such ({refusal or 'it was let in'})")

    @property
    def _access_file(self) -> Path:
        return self.settings.home.access_file

    @property
    def _crl_file(self) -> Path:
        return self.settings.home.credentials(BROKER).folder / "cameras.crl.pem"

    @property
    def _log(self) -> Path:
        return self.settings.home.log / "broker.log"

    def _fresh(self, path: Path) -> Path:
        return path.with_name(f"{path.name}.new")

    def _log_size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _log_since(self, seen: int) -> str:
        if not self._log.exists():
            return ""
        # Rotation cuts the file to nothing in its place.
        start = seen if self._log_size() >= seen else 0
        with self._log.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    def _ask_to_reload(self, seen: int) -> None:
        reader = Reader(BROKER, self.settings.broker_reload_command, "mosquitto")
        deadline = time.monotonic() + RELOAD_S
        # Mosquitto forgets a SIGHUP that comes while it is busy with the one before: ask until it answers.
        while time.monotonic() < deadline:
            try:
                asked = reader.reload(self.settings)
            except ReloadFailed as error:
                raise BrokerFault(str(error)) from error
            if asked is None:
                raise NotRunning("the broker does not run: it will read its files when it starts")
            if _wait(lambda: RELOADING in self._log_since(seen), ASK_AGAIN_S):
                return
        raise BrokerFault(f"the broker did not say {RELOADING!r} within {RELOAD_S:.0f} s: is its log_type changed?")

    def _answers(self) -> bool:
        root = str(self.settings.home.credentials(BROKER).folder / "cameras-ca.pem")
        try:
            # With a certificate: a client without one leaves lines in the log that look like trouble.
            kicker = self.settings.home.credentials(KICKER)
            handshake_refusal(("127.0.0.1", self.settings.broker_servers_port), root, kicker)
        except OSError:
            return False
        return True

    def _restart(self) -> None:
        """Restart it; whoever supervises it starts it again after the SIGTERM."""
        command = self.settings.broker_restart_command
        if command:
            try:
                subprocess.run(shlex.split(command), check=True, capture_output=True, timeout=HOOK_TIMEOUT_S)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                raise BrokerFault(f"CAMFLEET_BROKER_RESTART_COMMAND failed: {error}") from error
        else:
            pid = _broker_pid(self.settings.home.run / f"{BROKER}.pid")
            os.kill(pid, signal.SIGTERM)
            _wait(lambda: _has_ended(pid), RESTART_S)
        _wait(self._answers, RESTART_S)


def check_access_file(text: str, denied: Iterable[str]) -> None:
    """Refuse an ACL that parses and yet locks out everybody, or nobody (an empty one passes a trial start)."""
    needed = ["pattern write ", "pattern read ", *(f"user {name}\n" for name in SERVER_RULES)]
    needed += [f"user {name}\ntopic deny #\n" for name in denied]
    missing = [line for line in needed if line not in text]
    if missing:
        raise BrokerFault(f"the new ACL file lacks {missing[0]!r}")


def check_lists(pem: bytes, refusals: Refusals, now: datetime) -> None:
    """Refuse lists that are unreadable, or that would soon be over: the broker then refuses everybody."""
    try:
        facts = read_crls(pem)
    except NotACrl as error:
        raise BrokerFault(f"the new revocation lists cannot be read: {error}") from error
    if len(facts) != len(refusals.crls):
        raise BrokerFault(f"{len(facts)} revocation lists were written, not {len(refusals.crls)}")
    over = [each for each in facts if each.next_update - now < ALERT_BELOW]
    if over:
        raise BrokerFault(f"a new revocation list would be over at {over[0].next_update:%Y-%m-%d %H:%M} UTC")


def _broker_pid(path: Path) -> int:
    try:
        pid = int(path.read_text())
        if psutil.Process(pid).name() == "mosquitto":
            return pid
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pass
    raise NotRunning("the broker does not run")


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True
