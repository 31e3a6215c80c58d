"""Enrolment: the server proves itself first, the key is made here, a crash at any point is healed by running again."""

import contextlib
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from camera_agent.enrolment.enrol import AlreadyEnrolled, EnrolmentWish, enrol
from camera_agent.enrolment.exchange import EnrolmentRefused, ServerNotTrusted, ServerUnreachable
from camera_agent.enrolment.identity import IdentityUnusable, finish_adoption, prepare_key, read_identity
from camera_agent.home import AgentHome
from fleet.pki import new_key, new_token, public_key_of
from tests.support.authorities import Authorities
from tests.unit.camera_agent.enrolment.enrolment_server import EnrolmentServerFake, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EnrolmentServerFake]:
    with serving(EnrolmentServerFake(), tmp_path / "server") as fake:
        yield fake


@pytest.fixture
def home(tmp_path: Path) -> AgentHome:
    return AgentHome(tmp_path / "camera")


def wish(server: EnrolmentServerFake, **other: object) -> EnrolmentWish:
    return EnrolmentWish(**{"server_url": server.url, "token": server.token, **other})  # type: ignore[arg-type]


def test_an_enrolled_device_has_an_identity_and_settings(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server, source="usb:0"))
    assert read_identity(home).common_name == "cam-front-1"
    assert home.credentials.ca.read_bytes() == server.authorities.root.certificate_pem
    assert tomllib.loads(home.settings.read_text()) == {
        "device_id": "cam-front-1",
        "broker_host": "broker.example",
        "broker_port": 8883,
        "server": "https://example",
        "reconnect_spread_s": 2.5,
        "streams": {"main": {"source": "usb:0"}},
    }


def test_the_key_is_private_and_never_sent(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    assert stat.S_IMODE(home.credentials.key.stat().st_mode) == 0o600
    assert all("PRIVATE" not in str(question) for _, question in server.asked)


def test_the_proof_comes_before_the_token_is_told(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    assert server.paths() == ["/config/enrol/proof", "/config/enrol"]
    assert server.asked[0][1]["token_id"] == server.token.public_id
    assert server.token.secret not in str(server.asked[0])


def test_each_enrolment_asks_with_a_nonce_of_its_own(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    enrol(home, wish(server, force=True))
    assert server.asked[0][1]["nonce"] != server.asked[2][1]["nonce"]
    assert len(bytes.fromhex(server.asked[0][1]["nonce"])) == 32


def test_a_rogue_server_learns_neither_token_nor_request(home: AgentHome, tmp_path: Path) -> None:
    rogue = EnrolmentServerFake(proof_key=b"a guess, or another token's key.")
    with serving(rogue, tmp_path / "rogue"), pytest.raises(ServerNotTrusted, match="token was not sent"):
        enrol(home, EnrolmentWish(rogue.url, new_token()))
    assert rogue.paths() == ["/config/enrol/proof"]


def test_a_rogue_that_passes_on_the_real_proof_fails_at_tls(home: AgentHome, tmp_path: Path) -> None:
    relay = EnrolmentServerFake()
    with serving(relay, tmp_path / "relay", tls=Authorities()), pytest.raises(ServerUnreachable, match="certificate"):
        enrol(home, wish(relay))
    assert relay.paths() == ["/config/enrol/proof"]


def test_a_server_with_another_host_name_is_refused(server: EnrolmentServerFake, home: AgentHome) -> None:
    by_other_name = server.url.replace("localhost", "127.0.0.2")
    with pytest.raises(ServerUnreachable):
        enrol(home, EnrolmentWish(by_other_name, server.token))
    assert "/config/enrol" not in server.paths()


def test_a_given_root_makes_the_proof_needless(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server, ca=server.authorities.root.certificate_pem))
    assert server.paths() == ["/config/enrol"]


def test_another_given_root_is_told_nothing(server: EnrolmentServerFake, home: AgentHome) -> None:
    with pytest.raises(ServerUnreachable, match="certificate"):
        enrol(home, wish(server, ca=Authorities().root.certificate_pem))
    assert server.paths() == []


def test_a_given_root_that_is_no_certificate_is_refused(server: EnrolmentServerFake, home: AgentHome) -> None:
    with pytest.raises(ServerNotTrusted, match="no PEM certificate"):
        enrol(home, wish(server, ca=b"nonsense"))


def test_the_servers_refusal_is_passed_on_with_what_to_do(server: EnrolmentServerFake, home: AgentHome) -> None:
    server.refuse_with = (403, b'{"title": "Token expired", "detail": "It ended yesterday."}')
    with pytest.raises(EnrolmentRefused, match=r"Token expired: It ended yesterday.*new token"):
        enrol(home, wish(server))


@pytest.mark.parametrize(("status", "advice"), [(429, "wait a minute"), (503, "try again later"), (401, "new token")])
def test_every_refusal_says_what_to_do(server: EnrolmentServerFake, home: AgentHome, status: int, advice: str) -> None:
    server.refuse_with = (status, b"<html>not even JSON</html>")
    with pytest.raises(EnrolmentRefused, match=advice):
        enrol(home, wish(server))


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"device_id": 7}', b"x" * 300_000])
def test_an_answer_of_no_camfleet_server_is_refused(server: EnrolmentServerFake, home: AgentHome, body: bytes) -> None:
    server.refuse_with = (200, body)
    with pytest.raises(ServerUnreachable):
        enrol(home, wish(server))


def test_a_certificate_for_somebody_else_is_refused(server: EnrolmentServerFake, home: AgentHome) -> None:
    server.bent = {"device_id": "cam-other-1"}
    with pytest.raises(EnrolmentRefused, match="not for this device"):
        enrol(home, wish(server))
    assert not home.credentials.certificate.exists()


def test_another_root_in_the_answer_is_refused(server: EnrolmentServerFake, home: AgentHome) -> None:
    server.bent = {"root_pem": Authorities().root.certificate_pem.decode()}
    with pytest.raises(ServerNotTrusted, match="another root"):
        enrol(home, wish(server))


@pytest.mark.parametrize("url", ["http://localhost:1", "localhost", "", "ftp://x", "https://"])
def test_only_https_addresses_are_taken(home: AgentHome, url: str) -> None:
    with pytest.raises(ServerUnreachable, match="https://"):
        enrol(home, EnrolmentWish(url, new_token()))


def test_nobody_there_is_said_with_what_to_do(home: AgentHome) -> None:
    with pytest.raises(ServerUnreachable, match="check the address"):
        enrol(home, EnrolmentWish("https://localhost:1", new_token()))


def test_an_identity_is_not_replaced_by_accident(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    with pytest.raises(AlreadyEnrolled, match="--force"):
        enrol(home, wish(server))


def test_force_replaces_key_and_certificate_and_keeps_the_streams(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server, source="usb:0"))
    key = home.credentials.key.read_bytes()
    sections = '\n[streams.door]\nsource = "usb:1"  # the one by the door\n'
    home.settings.write_text(home.settings.read_text().split("\n[")[0] + sections)
    enrol(home, wish(server, force=True))
    assert home.credentials.key.read_bytes() != key
    assert read_identity(home).common_name == "cam-front-1"
    assert home.settings.read_text().endswith(sections)


def test_a_failed_replacement_leaves_the_old_identity_working(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    before = read_identity(home)
    server.refuse_with = (403, b"{}")
    with pytest.raises(EnrolmentRefused):
        enrol(home, wish(server, force=True))
    assert read_identity(home) == before


def test_running_again_after_a_refusal_uses_the_same_key(server: EnrolmentServerFake, home: AgentHome) -> None:
    server.refuse_with = (503, b"{}")
    with pytest.raises(EnrolmentRefused):
        enrol(home, wish(server))
    first = prepare_key(home)
    server.refuse_with = None
    enrol(home, wish(server))
    assert home.credentials.key.read_bytes() == first


class PowerCut(Exception):
    """The test ends the enrolment at one write."""


@pytest.mark.parametrize("cut_at", range(8))
def test_a_power_cut_at_any_write_is_healed_by_running_again(
    server: EnrolmentServerFake, home: AgentHome, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    writes = 0
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal writes
        if writes == cut_at:
            raise PowerCut
        writes += 1
        return real(self, target)

    with monkeypatch.context() as cutting:
        cutting.setattr(Path, "replace", replace)
        try:
            enrol(home, wish(server))
        except PowerCut:
            with pytest.raises(IdentityUnusable):
                read_identity(home)
    with contextlib.suppress(AlreadyEnrolled):
        enrol(home, wish(server))
    assert read_identity(home).common_name == "cam-front-1"
    assert tomllib.loads(home.settings.read_text())["device_id"] == "cam-front-1"


def test_a_key_that_is_not_the_certificates_is_named(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    home.credentials.key.write_bytes(new_key())
    with pytest.raises(IdentityUnusable, match="not the key of"):
        read_identity(home)


def test_unreadable_identity_files_are_named(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    home.credentials.certificate.write_text("nonsense")
    with pytest.raises(IdentityUnusable, match="--force"):
        read_identity(home)


def test_a_waiting_certificate_of_another_key_is_left_alone(server: EnrolmentServerFake, home: AgentHome) -> None:
    enrol(home, wish(server))
    before = public_key_of(home.credentials.key.read_bytes())
    other = Authorities().write_client(home.path / "other", "cam-other-1")
    home.next_certificate.write_bytes(other.certificate.read_bytes())
    finish_adoption(home)
    assert read_identity(home).public_key == before
