"""Renewal as config_server decides it: what a proven camera gets, and that nobody else gets anything."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from config_server.records import CertificateRecord
from config_server.renewal import GRACE, RenewalRefused, RenewalRequest, confirm, give_nonce, renew
from fleet.logs import configure
from fleet.pki import confirmation_message, make_csr, new_key, public_key_of, read_certificate, renewal_message, sign
from tests.integration.config_server.conftest import Api

DEVICE = "cam-front-gate"
OTHER = "cam-back-door"


@dataclass(frozen=True)
class Camera:
    """A camera with a key and the certificate that the registry has of it."""

    api: Api
    device_id: str
    key: bytes
    record: CertificateRecord

    def nonce(self) -> bytes:
        with self.api.store.writing() as tx:
            return give_nonce(tx, self.device_id, self.api.clock())

    def request(self, next_key: bytes, **given: Any) -> RenewalRequest:
        nonce = given.pop("nonce", None) or self.nonce()
        csr = given.pop("csr", None) or make_csr(next_key, self.device_id)
        signature = sign(given.pop("key", self.key), renewal_message(nonce, self.record.serial, csr))
        asked = RenewalRequest(self.device_id, self.record.serial, nonce, csr.decode(), signature, "192.0.2.7")
        return replace(asked, **given)

    def renew(self, request: RenewalRequest) -> CertificateRecord:
        with self.api.store.writing() as tx:
            return renew(tx, self.api.parts.signer, request, self.api.clock())

    def confirm(self, key: bytes, serial: str) -> CertificateRecord:
        with self.api.store.writing() as tx:
            signature = sign(key, confirmation_message(self.device_id, serial))
            return confirm(tx, self.device_id, serial, signature, self.api.clock())


def enrolled(api: Api, device_id: str, name: str) -> Camera:
    key = new_key()
    ticket = api.provision(name, device_id=device_id)["enrolment"]
    assert api.enrol(ticket["token"], make_csr(key, "anything")).status_code == 200
    with api.store.reading() as tx:
        return Camera(api, device_id, key, tx.certificates.of_subject(device_id)[-1])


@pytest.fixture
def camera(api: Api) -> Camera:
    made = enrolled(api, DEVICE, "Front gate")
    api.clock.advance(days=60)
    return made


def registry_of(api: Api) -> Any:
    """Everything that a refused renewal must leave alone."""
    with api.store.reading() as tx:
        return [tx.certificates.of_subject(DEVICE), tx.audit.of_device(DEVICE), tx.devices.get(DEVICE)]


def test_a_proven_camera_gets_its_next_certificate_and_confirms_it(camera: Camera) -> None:
    key = new_key()
    issued = camera.renew(camera.request(key))
    facts = read_certificate(issued.certificate_pem.encode())
    assert (facts.common_name, facts.public_key) == (DEVICE, public_key_of(key))
    assert (issued.purpose, issued.active_at) == ("renewed", None)
    assert camera.confirm(key, issued.serial).serial == issued.serial
    camera.confirm(key, issued.serial)
    with camera.api.store.reading() as tx:
        assert tx.certificates.of_subject(DEVICE)[-1].active_at == camera.api.clock()
    assert camera.api.audit_of(DEVICE)[-2:] == ["certificate.renewed", "certificate.active"]


def test_a_request_repeated_after_a_lost_answer_gets_the_same_certificate(camera: Camera) -> None:
    key = new_key()
    first = camera.renew(camera.request(key))
    assert camera.renew(camera.request(key)) == first
    assert camera.api.audit_of(DEVICE).count("certificate.renewed") == 1


def test_until_it_is_confirmed_the_old_key_may_ask_again_and_then_no_more(camera: Camera) -> None:
    lost, key = new_key(), new_key()
    camera.renew(camera.request(lost))
    issued = camera.renew(camera.request(key))
    camera.api.clock.advance(minutes=1)
    camera.confirm(key, issued.serial)
    with pytest.raises(RenewalRefused, match="followed by a newer"):
        camera.renew(camera.request(new_key()))


def test_a_certificate_that_was_never_confirmed_can_still_renew_itself(camera: Camera) -> None:
    key = new_key()
    after = replace(camera, key=key, record=camera.renew(camera.request(key)))
    after.api.clock.advance(days=60)
    after.renew(after.request(new_key()))
    with pytest.raises(RenewalRefused, match="followed"):
        camera.renew(camera.request(new_key()))


def test_a_corrected_server_clock_locks_nobody_out(camera: Camera) -> None:
    key, later = new_key(), new_key()
    camera.api.clock.advance(hours=1)
    issued = camera.renew(camera.request(key))
    camera.confirm(key, issued.serial)
    camera.api.clock.advance(hours=-1)
    after = replace(camera, key=key, record=issued)
    camera.confirm(key, issued.serial)
    assert after.renew(after.request(later)).serial != issued.serial


def _replayed(camera: Camera) -> RenewalRequest:
    request = camera.request(new_key())
    camera.renew(request)
    return request


def _expired(camera: Camera) -> RenewalRequest:
    request = camera.request(new_key())
    camera.api.clock.advance(seconds=61)
    return request


def _another_serial(camera: Camera) -> RenewalRequest:
    other = enrolled(camera.api, OTHER, "Back door")
    return camera.request(new_key(), serial=other.record.serial)


def _another_identity(camera: Camera) -> RenewalRequest:
    """A camera that is who it says, but claims that it is somebody else."""
    other = enrolled(camera.api, OTHER, "Back door")
    return replace(other.request(new_key(), nonce=camera.nonce()), device_id=DEVICE)


def _another_nonce(camera: Camera) -> RenewalRequest:
    return camera.request(new_key(), nonce=enrolled(camera.api, OTHER, "Back door").nonce())


def _reused_nonce(camera: Camera) -> RenewalRequest:
    nonce = camera.nonce()
    camera.renew(camera.request(new_key(), nonce=nonce))
    return camera.request(new_key(), nonce=nonce)


def _revoked(camera: Camera) -> RenewalRequest:
    with camera.api.store.writing() as tx:
        tx.certificates.revoke_unexpired(DEVICE, camera.api.clock())
    return camera.request(new_key())


def _denied(camera: Camera) -> RenewalRequest:
    with camera.api.store.writing() as tx:
        tx.devices.deny(DEVICE, camera.api.clock())
    return camera.request(new_key())


def _beyond_grace(camera: Camera) -> RenewalRequest:
    camera.api.clock.at = camera.record.not_after + GRACE + timedelta(seconds=1)
    return camera.request(new_key())


BAD = {
    "replayed": (_replayed, "nonce"),
    "expired nonce": (_expired, "nonce"),
    "reused nonce": (_reused_nonce, "nonce"),
    "nonce of another camera": (_another_nonce, "nonce"),
    "unknown nonce": (lambda camera: camera.request(new_key(), nonce=b"n" * 32), "nonce"),
    "short nonce": (lambda camera: replace(camera.request(new_key()), nonce=b"n"), "wrong length"),
    "foreign signature": (lambda camera: camera.request(new_key(), key=new_key()), "not signed by"),
    "no signature": (lambda camera: camera.request(new_key(), signature=b"\0"), "not signed by"),
    "changed csr": (
        lambda camera: camera.request(new_key(), csr_pem=make_csr(new_key(), DEVICE).decode()),
        "not signed by",
    ),
    "another's serial": (_another_serial, "never had"),
    "another's identity": (_another_identity, "never had"),
    "unknown serial": (lambda camera: camera.request(new_key(), serial="abc"), "never had"),
    "unknown device": (lambda camera: camera.request(new_key(), device_id="cam-nobody-here"), "no such device"),
    "csr garbage": (lambda camera: camera.request(new_key(), csr=b"garbage"), "not usable"),
    "csr oversize": (lambda camera: camera.request(new_key(), csr=b"x" * 5000), "larger than"),
    "csr with another's name": (lambda camera: camera.request(new_key(), csr=make_csr(new_key(), OTHER)), OTHER),
    "old key again": (lambda camera: camera.request(camera.key), "not new"),
    "revoked": (_revoked, "was revoked"),
    "denied": (_denied, "cut off"),
    "beyond grace": (_beyond_grace, "days ago"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_renewal_changes_nothing_and_names_its_reason_to_the_operator(camera: Camera, case: str) -> None:
    make, reason = BAD[case]
    request = make(camera)
    before = registry_of(camera.api)
    with pytest.raises(RenewalRefused, match=reason):
        camera.renew(request)
    assert registry_of(camera.api) == before


def test_a_camera_comes_back_within_grace_over_https_and_not_a_second_later(camera: Camera) -> None:
    camera.api.clock.at = camera.record.not_after + GRACE
    key = new_key()
    answer = _post(camera, camera.request(key))
    assert answer.status_code == 200
    chain = answer.get_json()["certificate_pem"]
    assert read_certificate(chain.encode()).public_key == public_key_of(key)
    assert chain.count("BEGIN CERTIFICATE") == 2


def test_over_https_every_refusal_is_the_same_and_one_log_line_tells_why(
    camera: Camera, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("config_server", "info")
    refusals = set()
    for case in sorted(set(BAD) - {"short nonce", "another's identity", "nonce of another camera", "beyond grace"}):
        if case in {"revoked", "denied"}:
            continue
        make, reason = BAD[case]
        request = make(camera)
        before = registry_of(camera.api)
        capsys.readouterr()
        answer = _post(camera, request)
        said = capsys.readouterr()
        lines = [line for line in (said.out + said.err).splitlines() if "renewal refused" in line]
        assert len(lines) == 1, case
        assert reason in lines[0]
        assert registry_of(camera.api) == before, case
        refusals.add((answer.status_code, *(answer.get_json()[name] for name in ("type", "title", "detail"))))
    assert {status for status, *_ in refusals} == {403}
    assert len(refusals) == 1


def test_everybody_gets_a_nonce_and_old_ones_are_forgotten(camera: Camera) -> None:
    for device_id in (DEVICE, "cam-nobody-here"):
        answer = camera.api.client.post("/config/renew/nonce", json={"device_id": device_id})
        assert (answer.status_code, len(answer.get_json()["nonce"])) == (200, 64)
    camera.api.clock.advance(seconds=61)
    with camera.api.store.writing() as tx:
        assert tx.renewal_nonces.forget_expired(camera.api.clock()) == 2


def test_a_confirmation_needs_the_new_key_and_a_camera_that_may_be(camera: Camera) -> None:
    key = new_key()
    issued = camera.renew(camera.request(key))
    with pytest.raises(RenewalRefused, match="not signed by its key"):
        camera.confirm(new_key(), issued.serial)
    with pytest.raises(RenewalRefused, match="never had"):
        camera.confirm(key, "abc")
    with camera.api.store.writing() as tx:
        tx.devices.deny(DEVICE, camera.api.clock())
    with pytest.raises(RenewalRefused, match="cut off"):
        camera.confirm(key, issued.serial)


def _post(camera: Camera, request: RenewalRequest) -> Any:
    body = {
        "device_id": request.device_id,
        "serial": request.serial,
        "nonce": request.nonce.hex(),
        "csr_pem": request.csr_pem,
        "signature": request.signature.hex(),
    }
    return camera.api.client.post("/config/renew", json=body)
