"""Rotating the issuing CA without touching a camera, the root offline, and what independent tools say of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config_server.authorities import load_authorities
from config_server.ca import care
from config_server.courier.controls import loader_of
from config_server.courier.mosquitto_control import MosquittoControl
from config_server.current_signer import CurrentSigner
from config_server.root_export import ExportRefused, export_root
from config_server.rotation import RootIsAway, renew_under, rotate_issuing
from fleet.pki import read_certificate, read_crls
from tests.support.independent import client_path, openssl_verdict, server_path
from tests.support.revocation import Camera, CutoffHost, cutoff_host

SOON = timedelta(seconds=2)


@dataclass
class Rotated:
    """A host before and after a rotation."""

    host: CutoffHost
    old: Camera
    old_ski: str
    new_ski: str


def now() -> datetime:
    return datetime.now(UTC)


def rotate(host: CutoffHost) -> str:
    fresh = rotate_issuing(host.settings, host.store, loader_of(host.settings), now())
    renew_under(host.settings, host.store, now())
    return fresh.ski


@pytest.fixture
def host(tmp_path: Path) -> Iterator[CutoffHost]:
    with cutoff_host(tmp_path / "home") as made:
        yield made


@pytest.fixture
def rotated(host: CutoffHost) -> Rotated:
    host.start_broker()
    old_ski = load_authorities(host.settings).issuing.ski
    old = host.make_camera("cam-of-before")
    host.connect(old)
    return Rotated(host, old, old_ski, rotate(host))


def test_cameras_of_both_cas_are_let_in_and_the_one_of_before_notices_nothing(rotated: Rotated) -> None:
    host = rotated.host
    MosquittoControl(host.settings).reload()
    new = host.make_camera("cam-of-after")
    assert host.refusal(rotated.old) == host.refusal(new) == ""
    assert read_certificate(new.files.certificate.read_bytes()).issuer_ski == rotated.new_ski != rotated.old_ski
    assert rotated.old.losses == 0
    rotated.old.session.stop()


def test_every_ca_with_living_certificates_signs_its_own_list(rotated: Rotated) -> None:
    host = rotated.host
    file = host.settings.home.credentials("broker").folder / "cameras.crl.pem"
    assert {facts.issuer_ski for facts in read_crls(file.read_bytes())} == {rotated.old_ski, rotated.new_ski}
    later = now() + timedelta(days=200)
    care(host.settings, host.store, load_authorities(host.settings), later)
    assert {facts.issuer_ski for facts in read_crls(file.read_bytes())} == {rotated.new_ski}
    rotated.old.session.stop()


def test_a_camera_of_the_ca_of_before_can_still_be_cut_off(rotated: Rotated) -> None:
    host = rotated.host
    host.start_courier()
    host.revoke("cam-of-before")
    host.wait_proven("cam-of-before")
    assert "CERTIFICATE_REVOKED" in host.refusal(rotated.old)
    rotated.old.session.stop()


def test_the_list_is_with_the_broker_before_the_first_certificate_is_handed_out(host: CutoffHost) -> None:
    seen: list[set[str]] = []
    signers = CurrentSigner(host.settings)
    before = signers().authority.ski

    def load_at_broker() -> None:
        file = host.settings.home.credentials("broker").folder / "cameras.crl.pem"
        seen.append({facts.issuer_ski for facts in read_crls(file.read_bytes())})
        assert signers().authority.ski == before

    fresh = rotate_issuing(host.settings, host.store, load_at_broker, now())
    assert seen == [{before, fresh.ski}]
    assert signers().authority.ski == fresh.ski


def test_a_rotation_that_was_interrupted_goes_on_with_the_same_ca(host: CutoffHost) -> None:
    before = load_authorities(host.settings)

    def power_cut() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_issuing(host.settings, host.store, power_cut, now())
    halfway = load_authorities(host.settings)
    assert halfway.issuing.ski == before.issuing.ski
    fresh = rotate_issuing(host.settings, host.store, lambda: None, now())
    assert [other.ski for other in halfway.others] == [fresh.ski]
    assert load_authorities(host.settings).issuing.ski == fresh.ski


def test_certificates_and_lists_pass_independent_checks_also_after_a_rotation(rotated: Rotated, tmp_path: Path) -> None:
    host = rotated.host
    new = host.make_camera("cam-of-after")
    for camera in (rotated.old, new):
        assert openssl_verdict(host.settings, camera.files, tmp_path).endswith("leaf.pem: OK")
        assert len(client_path(host.settings, camera.files, now() + SOON)) == 3
    for holder in ("broker", "nginx"):
        files = host.settings.home.credentials(holder)
        assert openssl_verdict(host.settings, files, tmp_path).endswith("leaf.pem: OK")
        assert len(server_path(host.settings, files, "localhost", now() + SOON)) == 3
    host.revoke("cam-of-before")
    care(host.settings, host.store, load_authorities(host.settings), now())
    assert "certificate revoked" in openssl_verdict(host.settings, rotated.old.files, tmp_path)
    rotated.old.session.stop()


def test_the_root_goes_offline_only_after_its_copy_was_read_back(host: CutoffHost, tmp_path: Path) -> None:
    key = host.settings.home.authorities / "root.key"
    content = key.read_bytes()
    copies = export_root(host.settings, tmp_path / "stick")
    assert [copy.name for copy in copies] == ["root.pem", "root.key"]
    assert copies[1].read_bytes() == content
    assert not key.exists()
    with pytest.raises(ExportRefused, match="exported before"):
        export_root(host.settings, tmp_path / "stick")
    with pytest.raises(RootIsAway, match=r"root\.key"):
        rotate_issuing(host.settings, host.store, lambda: None, now())
    assert care(host.settings, host.store, load_authorities(host.settings), now()).crls

    key.write_bytes(copies[1].read_bytes())
    rotate_issuing(host.settings, host.store, lambda: None, now())


def test_a_copy_that_cannot_be_trusted_leaves_the_key_here(host: CutoffHost, tmp_path: Path) -> None:
    key = host.settings.home.authorities / "root.key"
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "root.key").write_bytes(b"another host's")
    with pytest.raises(ExportRefused, match="something else"):
        export_root(host.settings, tmp_path / "stick")
    with pytest.raises(ExportRefused, match="CAMFLEET_HOME"):
        export_root(host.settings, host.settings.home.path / "copies")
    assert key.exists()
