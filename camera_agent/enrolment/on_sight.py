"""The use case: enrol without a token, by a code that a person compares with the one on the server's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from camera_agent.enrolment.enrol import refuse_second_identity, take_identity
from camera_agent.enrolment.exchange import (
    Enrolled,
    EnrolmentRefused,
    EnrolmentServer,
    ServerUnreachable,
    SlowDown,
)
from camera_agent.enrolment.identity import prepare_key
from camera_agent.home import AgentHome
from fleet.pki import in_groups, pairing_code, public_key_of, read_certificate

PATIENCE_S = 3600.0
POLL_S = 5.0
LONGEST_PAUSE_S = 60.0
# The server drops a waiting camera after an hour; asking again keeps it on the page.
BE_SEEN_EVERY_S = 1200.0


@dataclass(frozen=True)
class SightWish:
    """What the person asked for; `ca` is a root that they brought themselves, which makes their word needless."""

    server_url: str
    name: str
    ca: bytes | None = None
    source: str | None = None
    force: bool = False


@dataclass(frozen=True)
class Bystander:
    """Whoever stands by the camera: is told things, says yes or no, lets time pass."""

    tell: Callable[[str], None]
    confirms: Callable[[str], bool]
    pause: Callable[[float], None]


def enrol_on_sight(home: AgentHome, wish: SightWish, bystander: Bystander) -> Enrolled:
    """Show the code, wait for a person to accept it, and take the identity; nothing changes before that."""
    refuse_second_identity(home, force=wish.force)
    server = EnrolmentServer(wish.server_url)
    key = prepare_key(home)
    root = server.be_seen(key, wish.name, wish.ca)
    code = in_groups(pairing_code(read_certificate(root).fingerprint, public_key_of(key)))
    bystander.tell(f"The code of this camera is  {code}")
    bystander.tell(f"Compare all of it on the page of {wish.server_url} and accept it there. Waiting…")
    answer = _wait(server, key, root, wish, bystander)
    # Who stands between us and the server could accept us at once: the code on the page would be another, or none.
    if wish.ca is None and not bystander.confirms(f"Did the page show exactly {code}?"):
        raise EnrolmentRefused("not enrolled: another code means that somebody is between this camera and the server")
    take_identity(home, answer, root, wish.source)
    return answer


def _wait(server: EnrolmentServer, key: bytes, root: bytes, wish: SightWish, bystander: Bystander) -> Enrolled:
    waited_s, seen_s, pause_s = 0.0, 0.0, POLL_S
    while waited_s < PATIENCE_S:
        if waited_s - seen_s >= BE_SEEN_EVERY_S:
            seen_s = waited_s
            _keep_being_seen(server, key, wish)
        try:
            answer = server.collect(key, root)
        except (SlowDown, ServerUnreachable) as trouble:
            if waited_s == 0 and isinstance(trouble, ServerUnreachable):
                raise
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        else:
            if isinstance(answer, Enrolled):
                return answer
            pause_s = answer
        bystander.pause(pause_s)
        waited_s += pause_s
    raise EnrolmentRefused("nobody accepted this camera within an hour: run the same command again")


def _keep_being_seen(server: EnrolmentServer, key: bytes, wish: SightWish) -> None:
    try:
        server.be_seen(key, wish.name, wish.ca)
    except (SlowDown, ServerUnreachable):
        # Asking whether somebody accepted tells the rest.
        return
