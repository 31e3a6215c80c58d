"""Look at a host for what commonly goes wrong, and name the fix for each finding."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from deploy.supervisor.control import supervisor_of
from deploy.supervisor.ports import busy_ports
from deploy.supervisor.programs import system_command
from deploy.supervisor.site import Site
from fleet.pki import NotACertificate, NotACrl, read_certificate, read_crls
from fleet.settings import ServerSettings

LEAST_FREE_BYTES = 1_000_000_000
OLDEST_PYTHON = (3, 11)
# Lists live 7 days and are signed anew every hour.
CRL_ALERT = timedelta(days=3)
ISSUER_NOTE = timedelta(days=180)
RENEW = "./managed_start.sh restart renews it"
# No clock of a working host lies before the day this release was made.
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)


class Grade(StrEnum):
    """How bad a finding is."""

    FINE = "ok"
    NOTE = "note"
    FAULT = "FAULT"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `fix` says what to do unless all is well."""

    grade: Grade
    text: str
    fix: str = ""

    @property
    def is_fault(self) -> bool:
        return self.grade is Grade.FAULT


Check = Callable[[ServerSettings, Site], Iterator[Finding]]


def examine(settings: ServerSettings, site: Site) -> list[Finding]:
    """Make every check."""
    return [finding for check in CHECKS for finding in check(settings, site)]


def told(findings: list[Finding]) -> str:
    """Return the findings for people, one line each."""
    return "\n".join(
        f"{finding.grade:5}  {finding.text}" + (f" → {finding.fix}" if finding.fix else "") for finding in findings
    )


def _python(_settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= OLDEST_PYTHON:
        yield Finding(Grade.FINE, f"Python {version}")
    else:
        yield Finding(Grade.FAULT, f"Python {version} is too old", "install Python 3.11 or newer, then setup")


def _programs(_settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    for name, version_flag in (("mosquitto", "-h"), ("nginx", "-v")):
        path = system_command(name)
        if shutil.which(path) is None:
            yield Finding(Grade.FAULT, f"{name} is not installed", "./managed_start.sh setup")
            continue
        said = subprocess.run([path, version_flag], capture_output=True, text=True, check=False)
        yield Finding(Grade.FINE, (said.stdout or said.stderr).partition("\n")[0])


def _user(_settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    if os.geteuid() == 0:
        fix = "fine for a trial; in production run it under an account of its own"
        yield Finding(Grade.NOTE, "runs as root, the broker too (the state folder belongs to root alone)", fix)


def _ports(_settings: ServerSettings, site: Site) -> Iterator[Finding]:
    ours = [record.identity.pid for record in site.records.living() if record.identity]
    addresses = [address for program in site.wanted() for address in program.addresses]
    busy = busy_ports(addresses, ours)
    for one in busy:
        yield Finding(Grade.FAULT, str(one), "stop it, or choose another port (CAMFLEET_*_PORT)")
    if not busy:
        yield Finding(Grade.FINE, f"all {len(addresses)} ports are free or ours")


def _disk(settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    folder = settings.home.path if settings.home.path.exists() else settings.home.path.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free where the state lies"
    if free < LEAST_FREE_BYTES:
        yield Finding(Grade.FAULT, text, "free some space: events are refused, not lost, when the disk is full")
    else:
        yield Finding(Grade.FINE, text)


def _state_folder(settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    home = settings.home.path
    if not home.exists():
        yield Finding(Grade.NOTE, f"{home} does not exist yet", "./managed_start.sh setup")
    elif home.stat().st_mode & 0o077:
        yield Finding(Grade.FAULT, f"others may enter {home}, which holds keys", f"chmod 700 {home}")


def _certificates(settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    now = datetime.now(UTC)
    for file in sorted(settings.home.pki.glob("*/certificate.pem")):
        try:
            facts = read_certificate(file.read_bytes())
        except NotACertificate as problem:
            yield Finding(Grade.FAULT, f"{file}: {problem}", "restore it from a backup, or `camfleet ca init`")
            continue
        text = f"certificate {facts.common_name} until {facts.not_after:%Y-%m-%d}"
        if now >= facts.not_after:
            yield Finding(Grade.FAULT, f"{text}: expired", RENEW)
        elif facts.is_due(now):
            yield Finding(Grade.NOTE, f"{text}: due for renewal", RENEW)
        else:
            yield Finding(Grade.FINE, text)


def _issuing_authority(settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    file = settings.home.authorities / "issuing.pem"
    if not file.exists():
        return
    ends = read_certificate(file.read_bytes()).not_after
    if ends - datetime.now(UTC) < ISSUER_NOTE:
        yield Finding(Grade.NOTE, f"the issuing CA ends {ends:%Y-%m-%d}", "camfleet ca rotate-issuing")


def _revocation_lists(settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    now = datetime.now(UTC)
    for file in sorted(settings.home.credentials("broker").folder.glob("*.crl.pem")):
        try:
            due = min(facts.next_update for facts in read_crls(file.read_bytes()))
        except NotACrl as problem:
            yield Finding(Grade.FAULT, f"{file}: {problem}", RENEW)
            continue
        text = f"{file.name} until {due:%Y-%m-%d %H:%M} UTC"
        if now >= due:
            yield Finding(Grade.FAULT, f"{text}: over, so the broker refuses everybody", RENEW)
        elif due - now < CRL_ALERT:
            fix = f"{RENEW}; the courier's log says why it did not"
            yield Finding(Grade.FAULT, f"{text}: nobody has signed a new one for days", fix)
        else:
            yield Finding(Grade.FINE, text)


def _clock(_settings: ServerSettings, _site: Site) -> Iterator[Finding]:
    now = datetime.now(UTC)
    if now < RELEASED:
        yield Finding(Grade.FAULT, f"the clock says {now:%Y-%m-%d %H:%M} UTC", "set it; certificates depend on it")
    else:
        yield Finding(Grade.FINE, f"the clock says {now:%Y-%m-%d %H:%M} UTC")


def _supervision(_settings: ServerSettings, site: Site) -> Iterator[Finding]:
    living = site.records.living()
    if living and supervisor_of(site) is None:
        yield Finding(Grade.FAULT, f"{len(living)} programs run without a supervisor", "./managed_start.sh start")
    for record in site.records.all():
        if record.restarts >= 3:
            fix = f"./managed_start.sh logs {record.name}"
            yield Finding(Grade.NOTE, f"{record.name} was restarted {record.restarts} times", fix)


CHECKS: tuple[Check, ...] = (
    _python, _programs, _user, _clock, _state_folder, _disk, _ports, _certificates, _issuing_authority,
    _revocation_lists, _supervision,
)  # fmt: skip
