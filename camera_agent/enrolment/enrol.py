"""The use case: enrol this device once, safely repeatable after a crash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from camera_agent.enrolment.exchange import Enrolled, EnrolmentServer
from camera_agent.enrolment.identity import IdentityUnusable, adopt, finish_adoption, prepare_key, read_identity
from camera_agent.home import AgentHome
from camera_agent.renewal.successor import discard
from fleet.home import write_file
from fleet.pki import EnrolmentToken

EXAMPLE_STREAM = """
# One section per lens. Sources: file:PATH, folder:PATH, usb:0, rtsp://USER:PASSWORD@HOST/PATH
# [streams.main]
# source = "usb:0"
# fps = 5
"""


class AlreadyEnrolled(Exception):
    """The device has an identity, which is not given up by accident."""


@dataclass(frozen=True)
class EnrolmentWish:
    """What the person asked for; `ca` is a root that they brought themselves, which makes the proof needless."""

    server_url: str
    token: EnrolmentToken
    ca: bytes | None = None
    source: str | None = None
    force: bool = False


def enrol(home: AgentHome, wish: EnrolmentWish) -> Enrolled:
    """Get an identity and write it with agent.toml; nothing of an existing one changes before that succeeded."""
    refuse_second_identity(home, force=wish.force)
    server = EnrolmentServer(wish.server_url)
    key = prepare_key(home)
    root = wish.ca or server.prove(wish.token)
    answer = server.ask(wish.token, key, root)
    take_identity(home, answer, root, wish.source)
    return answer


def take_identity(home: AgentHome, answer: Enrolled, root: bytes, source: str | None) -> None:
    """Write the settings and make the answer's certificate, with the key prepared for it, the identity."""
    write_file(home.settings, _settings_text(answer, home.settings, source).encode())
    # A renewal of the identity that ends here must not take the place of the new one.
    discard(home)
    adopt(home, certificate=answer.certificate_pem.encode(), root=root)


def refuse_second_identity(home: AgentHome, *, force: bool) -> None:
    """Raise AlreadyEnrolled unless there is none, or the person wants another."""
    finish_adoption(home)
    try:
        facts = read_identity(home)
    except IdentityUnusable:
        return
    if not force:
        raise AlreadyEnrolled(f"{home.path} already holds the identity {facts.common_name}: add --force to replace it")


def _settings_text(answer: Enrolled, path: Path, source: str | None) -> str:
    values = {
        "device_id": answer.device_id,
        "broker_host": answer.broker_host,
        "broker_port": answer.broker_port,
        "server": answer.public_url,
        "reconnect_spread_s": answer.reconnect_spread_s,
    }
    head = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    return head + _streams_text(path, source)


def _streams_text(path: Path, source: str | None) -> str:
    """Return the sections that somebody wrote before, word for word, or the first one."""
    old = path.read_text() if path.exists() else ""
    sections = old[old.find("\n[") + 1 :] if "\n[" in old else ""
    if sections and source is None:
        return f"\n{sections}"
    return f"\n[streams.main]\nsource = {json.dumps(source)}\n" if source else EXAMPLE_STREAM
