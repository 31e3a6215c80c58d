"""Accept-on-sight on the camera: a code that covers root and key, patience, and no identity without a person."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camera_agent.enrolment.enrol import AlreadyEnrolled
from camera_agent.enrolment.exchange import EnrolmentRefused, ServerNotTrusted, ServerUnreachable
from camera_agent.enrolment.identity import IdentityUnusable, read_identity
from camera_agent.enrolment.on_sight import Bystander, SightWish, enrol_on_sight
from camera_agent.home import AgentHome
from fleet.pki import in_groups, pairing_code, public_key_of, read_certificate
from tests.support.authorities import Authorities
from tests.unit.camera_agent.enrolment.enrolment_server import EnrolmentServerFake, serving

BUSY = (429, b"{}")
NOT_LET_IN = (403, b'{"title": "Not let in", "detail": "a person turned this camera away"}')


@dataclass
class SightServer(EnrolmentServerFake):
    """Accepts at the poll of this number; `trouble` is answered before that, one for each poll."""

    accept_at: int = 2
    trouble: list[tuple[int, bytes]] = field(default_factory=list)
    shown_root: bytes | None = None
    polls: int = 0

    def answer(self, path: str, question: dict[str, str]) -> tuple[int, bytes]:
        if path == "/config/sightings":
            self.asked.append((path, question))
            root = self.shown_root or self.authorities.root.certificate_pem
            return 200, json.dumps({"code": "0" * 12, "root_pem": root.decode(), "poll_after_s": 5}).encode()
        self.polls += 1
        if self.trouble:
            return self.trouble.pop(0)
        if self.polls <= self.accept_at:
            return 202, b'{"poll_after_s": 5}'
        return super().answer(path, question)


@dataclass
class Person:
    """Remembers what was said; time passes at once."""

    agrees: bool = True
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def bystander(self) -> Bystander:
        return Bystander(self.told.append, self._confirm, self.pauses.append)

    def _confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SightServer]:
    with serving(SightServer(), tmp_path / "server") as fake:
        assert isinstance(fake, SightServer)
        yield fake


@pytest.fixture
def home(tmp_path: Path) -> AgentHome:
    return AgentHome(tmp_path / "camera")


def wish(server: SightServer, **more: object) -> SightWish:
    return SightWish(**{"server_url": server.url, "name": "Rear door", **more})  # type: ignore[arg-type]


def test_the_camera_shows_the_code_waits_and_is_enrolled(server: SightServer, home: AgentHome) -> None:
    person = Person()
    enrol_on_sight(home, wish(server), person.bystander())
    identity = read_identity(home)
    assert identity.common_name == "cam-front-1"
    root = read_certificate(server.authorities.root.certificate_pem)
    code = in_groups(pairing_code(root.fingerprint, identity.public_key))
    assert code in person.told[0]
    assert code in person.asked[0]
    assert person.pauses == [5, 5]
    assert home.credentials.ca.read_bytes() == server.authorities.root.certificate_pem


def test_the_code_is_worked_out_here_and_the_servers_word_for_it_ignored(server: SightServer, home: AgentHome) -> None:
    person = Person()
    enrol_on_sight(home, wish(server), person.bystander())
    assert "0000-0000-0000" not in person.told[0]


def test_without_the_persons_word_nothing_is_kept(server: SightServer, home: AgentHome) -> None:
    with pytest.raises(EnrolmentRefused, match="somebody is between"):
        enrol_on_sight(home, wish(server), Person(agrees=False).bystander())
    with pytest.raises(IdentityUnusable):
        read_identity(home)


def test_a_root_brought_along_needs_no_word(server: SightServer, home: AgentHome) -> None:
    person = Person()
    enrol_on_sight(home, wish(server, ca=server.authorities.root.certificate_pem), person.bystander())
    assert person.asked == []


def test_a_rogue_that_shows_the_real_root_fails_at_tls(home: AgentHome, tmp_path: Path) -> None:
    rogue = SightServer()
    with serving(rogue, tmp_path / "rogue", tls=Authorities()), pytest.raises(ServerUnreachable, match="certificate"):
        enrol_on_sight(home, wish(rogue), Person().bystander())
    assert rogue.polls == 0


def test_a_rogue_with_its_own_root_makes_another_code(home: AgentHome, tmp_path: Path) -> None:
    person, real = Person(agrees=False), Authorities()
    rogue = SightServer(accept_at=0)
    with serving(rogue, tmp_path / "rogue"), pytest.raises(EnrolmentRefused):
        enrol_on_sight(home, wish(rogue), person.bystander())
    key = public_key_of(home.next_key.read_bytes())
    assert in_groups(pairing_code(read_certificate(real.root.certificate_pem).fingerprint, key)) not in person.told[0]


def test_another_root_than_the_one_brought_along_is_refused(server: SightServer, home: AgentHome) -> None:
    server.shown_root = Authorities().root.certificate_pem
    with pytest.raises(ServerNotTrusted, match="another root"):
        enrol_on_sight(home, wish(server, ca=server.authorities.root.certificate_pem), Person().bystander())


def test_a_root_that_is_none_is_refused(server: SightServer, home: AgentHome) -> None:
    server.shown_root = b"nonsense"
    with pytest.raises(ServerNotTrusted):
        enrol_on_sight(home, wish(server), Person().bystander())


def test_a_busy_server_is_asked_less_often(server: SightServer, home: AgentHome) -> None:
    server.trouble = [BUSY, BUSY, BUSY, BUSY, BUSY]
    server.accept_at = 0
    person = Person()
    enrol_on_sight(home, wish(server), person.bystander())
    assert person.pauses == [10, 20, 40, 60, 60]


def test_a_rejected_camera_stops_asking_and_says_so(server: SightServer, home: AgentHome) -> None:
    server.trouble = [(202, b"{}"), NOT_LET_IN]
    with pytest.raises(EnrolmentRefused, match="turned this camera away"):
        enrol_on_sight(home, wish(server), Person().bystander())


def test_nobody_comes_for_an_hour(server: SightServer, home: AgentHome) -> None:
    server.accept_at = 10_000
    server.trouble = [(202, b'{"poll_after_s": 300}')] * 20
    with pytest.raises(EnrolmentRefused, match="nobody accepted"):
        enrol_on_sight(home, wish(server), Person().bystander())
    assert server.paths() == ["/config/sightings"] * 3


def test_an_identity_is_not_replaced_by_accident(server: SightServer, home: AgentHome) -> None:
    enrol_on_sight(home, wish(server), Person().bystander())
    with pytest.raises(AlreadyEnrolled):
        enrol_on_sight(home, wish(server), Person().bystander())
    enrol_on_sight(home, wish(server, force=True), Person().bystander())


def test_a_certificate_of_another_key_is_refused(server: SightServer, home: AgentHome) -> None:
    server.bent = {"device_id": "cam-other-1"}
    with pytest.raises(EnrolmentRefused, match="not for this device"):
        enrol_on_sight(home, wish(server), Person().bystander())
