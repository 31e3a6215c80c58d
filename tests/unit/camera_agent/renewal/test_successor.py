"""The next pair on disk: what is taken for it, and what a start makes of anything that a crash left."""

from pathlib import Path

import pytest

from camera_agent.home import AgentHome
from camera_agent.renewal import successor
from fleet.pki import device_profile, new_key, public_key_of, read_certificate
from tests.support.authorities import CRL_URL, Authorities, _now

DEVICE = "cam-front-gate"


@pytest.fixture(scope="module")
def authorities() -> Authorities:
    return Authorities()


@pytest.fixture
def home(tmp_path: Path, authorities: Authorities) -> AgentHome:
    authorities.write_client(tmp_path, DEVICE)
    return AgentHome(tmp_path)


def chain_for(authorities: Authorities, key: bytes, device_id: str = DEVICE) -> bytes:
    return authorities.issuing.issue(device_profile(device_id, CRL_URL), public_key_of(key), _now())


def files(home: AgentHome) -> dict[str, bytes]:
    return {str(path.relative_to(home.path)): path.read_bytes() for path in home.path.rglob("*") if path.is_file()}


def test_the_next_key_is_made_once_and_the_one_in_use_stays(home: AgentHome) -> None:
    in_use = home.credentials.key.read_bytes()
    first = successor.prepare_next_key(home)
    assert first not in (in_use, new_key())
    assert successor.prepare_next_key(home) == first
    assert home.credentials.key.read_bytes() == in_use
    assert home.renewal.key.stat().st_mode & 0o777 == 0o600
    assert home.renewal.folder.stat().st_mode & 0o777 == 0o700


def test_a_key_that_is_in_use_already_is_not_the_next_one(home: AgentHome) -> None:
    successor.prepare_next_key(home)
    home.renewal.key.write_bytes(home.credentials.key.read_bytes())
    assert successor.prepare_next_key(home) != home.credentials.key.read_bytes()


def test_a_damaged_next_key_is_made_anew(home: AgentHome) -> None:
    successor.prepare_next_key(home)
    home.renewal.key.write_bytes(b"garbage")
    assert public_key_of(successor.prepare_next_key(home))


def test_only_a_certificate_of_the_next_key_and_this_camera_is_taken(home: AgentHome, authorities: Authorities) -> None:
    key = successor.prepare_next_key(home)
    for wrong in (b"", b"garbage", chain_for(authorities, new_key()), chain_for(authorities, key, "cam-back-door")):
        with pytest.raises(successor.SuccessorRefused):
            successor.take_certificate(home, wrong)
    assert successor.waiting(home) is None
    taken = successor.take_certificate(home, chain_for(authorities, key))
    assert successor.waiting(home) == taken


def test_installing_makes_it_the_one_in_use_and_leaves_nothing(home: AgentHome, authorities: Authorities) -> None:
    key = successor.prepare_next_key(home)
    chain = chain_for(authorities, key)
    successor.take_certificate(home, chain)
    successor.install(home)
    successor.discard(home)
    assert (home.credentials.key.read_bytes(), home.credentials.certificate.read_bytes()) == (key, chain)
    assert set(files(home)) == {"key.pem", "certificate.pem", "ca.pem"}


def test_a_start_completes_what_was_cut_between_the_two_files(home: AgentHome, authorities: Authorities) -> None:
    key = successor.prepare_next_key(home)
    successor.take_certificate(home, chain_for(authorities, key))
    home.credentials.key.write_bytes(key)
    successor.finish(home)
    facts = read_certificate(home.credentials.certificate.read_bytes())
    assert facts.public_key == public_key_of(key) == public_key_of(home.credentials.key.read_bytes())
    assert set(files(home)) == {"key.pem", "certificate.pem", "ca.pem"}


def test_a_start_leaves_alone_what_is_still_to_be_tried(home: AgentHome, authorities: Authorities) -> None:
    key = successor.prepare_next_key(home)
    successor.take_certificate(home, chain_for(authorities, key))
    before = files(home)
    successor.finish(home)
    assert files(home) == before


def test_a_start_sweeps_up_half_written_files_and_nothing_else(home: AgentHome) -> None:
    before = files(home)
    (home.path / ".key.pem.0123abcd.new").write_bytes(b"half a key")
    (home.path / "key.pem.new").write_bytes(b"an enrolment's")
    successor.finish(home)
    assert files(home) == before | {"key.pem.new": b"an enrolment's"}
