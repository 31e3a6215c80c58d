"""Enrolment by token: what succeeds, and every way in which it must not."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from config_server.provisioning import FleetSize
from fleet.pki import make_csr, new_key, new_token, proof_is_right, read_certificate, read_token
from tests.integration.config_server.conftest import Api

NONCE = bytes(32)
SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cam-evil")])


def test_a_token_gives_a_certificate_of_the_tokens_device_whatever_the_csr_says(api: Api) -> None:
    created = api.provision("Front gate", device_id="cam-front-gate")
    answer = api.enrol(created["enrolment"]["token"], make_csr(new_key(), "cam-somebody-else"))
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert body["device_id"] == "cam-front-gate"
    leaf = x509.load_pem_x509_certificate(body["certificate_pem"].encode())
    assert leaf.subject.rfc4514_string() == "CN=cam-front-gate"
    assert api.get("/config/devices/cam-front-gate").get_json()["state"] == "accepted"
    assert api.audit_of("cam-front-gate") == ["device.registered", "enrolment.token-made", "device.enrolled"]


def test_the_certificate_has_exactly_the_profile_of_a_camera(api: Api) -> None:
    body = api.enrol(api.provision(device_id="cam-front-gate")["enrolment"]["token"]).get_json()
    leaf, issuing = x509.load_pem_x509_certificates(body["certificate_pem"].encode())
    extensions = leaf.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier("urn:camfleet:device:cam-front-gate")]
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    ski = issuing.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    point = extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0].full_name
    assert point
    assert point[0].value == f"http://localhost:8081/crl/{ski}.crl"
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=90, hours=1)
    assert leaf.not_valid_before_utc <= datetime.now(UTC) - timedelta(minutes=59)


def test_the_server_proves_that_it_knows_the_token(api: Api) -> None:
    token = read_token(api.provision()["enrolment"]["token"])
    body = {"token_id": token.public_id, "nonce": NONCE.hex()}
    answer = api.client.post("/config/enrol/proof", json=body).get_json()
    fingerprint = read_certificate(answer["root_pem"].encode()).fingerprint
    assert proof_is_right(bytes.fromhex(answer["proof"]), token, NONCE, fingerprint)
    assert not proof_is_right(bytes.fromhex(answer["proof"]), token, NONCE, bytes(32))
    assert not proof_is_right(bytes.fromhex(answer["proof"]), new_token(), NONCE, fingerprint)


def test_a_token_is_read_as_people_type_it(api: Api) -> None:
    token = read_token(api.provision()["enrolment"]["token"])
    typed = f" {token.public_id}.{token.secret}".lower().replace("0", "o").replace("1", "l")
    assert api.enrol(typed).status_code == 200


def test_the_database_keeps_nothing_of_a_token_that_was_used(api: Api) -> None:
    created = api.provision()
    token = read_token(created["enrolment"]["token"])
    api.enrol(str(token))
    with api.store.reading() as tx:
        record = tx.enrolments.get(token.public_id)
    assert record is not None
    assert (record.check, record.sealed_key) == (None, None)


def refused_tokens(api: Api) -> dict[str, str]:
    """Every kind of token that must not work, by name."""
    used = api.provision("Used")["enrolment"]["token"]
    assert api.enrol(used).status_code == 200
    expired = api.provision("Expired")["enrolment"]["token"]
    bundled = api.provision("Bundled")
    api.post(f"/config/devices/{bundled['device']['device_id']}/bundle")
    api.clock.advance(hours=24, seconds=1)
    good = read_token(api.provision("Good")["enrolment"]["token"])
    wrong = new_token()
    return {
        "used": used,
        "expired": expired,
        "withdrawn by a bundle": bundled["enrolment"]["token"],
        "unknown": str(wrong),
        "right id, wrong secret": f"{good.public_id}.{wrong.secret}",
        "not a token": "hello",
        "empty": "",
        "SQL": "' OR 1=1 --",
    }


def test_no_wrong_token_gives_a_certificate_and_all_get_the_same_answer(
    api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = set()
    for name, token in refused_tokens(api).items():
        answer = api.enrol(token)
        assert answer.status_code == 403, name
        assert answer.content_type == "application/problem+json"
        body = answer.get_json()
        body.pop("request_id")
        answers.add(str(body))
    assert len(answers) == 1, "an attacker must not learn which kind of wrong it was"


def test_no_wrong_token_id_gets_a_proof(api: Api) -> None:
    for name, token in refused_tokens(api).items():
        body = {"token_id": (token[:6] + "000000")[:6], "nonce": NONCE.hex()}
        answer = api.client.post("/config/enrol/proof", json=body)
        expected = {"right id, wrong secret": 200, "SQL": 422}.get(name, 403)
        assert answer.status_code == expected, name


def csr_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(SUBJECT)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def csr_with_broken_signature() -> bytes:
    request = x509.load_pem_x509_csr(make_csr(new_key(), "cam-evil"))
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)


BAD_CSRS = {
    "garbage": b"garbage",
    "empty": b"",
    "a certificate's header": b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    "RSA": csr_of(rsa.generate_private_key(65537, 2048)),
    "P-384": csr_of(ec.generate_private_key(ec.SECP384R1())),
    "broken signature": csr_with_broken_signature(),
    "oversize": make_csr(new_key(), "cam-evil") + b"#" * 5000,
}


@pytest.mark.parametrize("name", BAD_CSRS)
def test_a_bad_csr_is_refused_and_the_token_stays_usable(api: Api, name: str) -> None:
    created = api.provision(device_id="cam-front-gate")
    token = created["enrolment"]["token"]
    answer = api.client.post("/config/enrol", json={"token": token, "csr_pem": BAD_CSRS[name].decode()})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert api.certificates_of("cam-front-gate") == 0
    assert api.get("/config/devices/cam-front-gate").get_json()["state"] == "pending"
    assert api.enrol(token).status_code == 200


def test_a_body_that_breaks_the_form_is_named_without_repeating_it(api: Api) -> None:
    secret = "7K2Q9D.ABCD-EFGH-JKMN-PQRS" * 10
    answer = api.client.post("/config/enrol", json={"token": secret})
    assert answer.status_code == 422
    assert "csr_pem: Field required" in answer.get_json()["detail"]
    assert "7K2Q9D" not in answer.text


@pytest.mark.parametrize("nonce", ["", "00", "zz" * 32, "00" * 33, "AA" * 32])
def test_a_nonce_that_is_not_32_bytes_is_refused(api: Api, nonce: str) -> None:
    assert api.client.post("/config/enrol/proof", json={"token_id": "ABC123", "nonce": nonce}).status_code == 422


def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    answer = api.client.post("/config/enrol", data=b"x" * 100_000, content_type="application/json")
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


def test_a_camera_whose_token_expired_gets_a_new_one_and_the_old_one_stays_dead(api: Api) -> None:
    old = api.provision(device_id="cam-front-gate")["enrolment"]["token"]
    answer = api.post("/config/devices/cam-front-gate/token")
    assert answer.status_code == 201
    assert api.enrol(old).status_code == 403
    assert api.enrol(answer.get_json()["token"]).status_code == 200


def test_no_token_for_a_camera_that_was_turned_away(api: Api) -> None:
    api.provision(device_id="cam-front-gate")
    with api.store.writing() as tx:
        tx.devices.set_state("cam-front-gate", "rejected")
    for action in ("token", "bundle"):
        answer = api.post(f"/config/devices/cam-front-gate/{action}")
        assert answer.status_code == 422
        assert "rejected" in answer.get_json()["detail"]


def test_a_token_of_a_camera_that_was_turned_away_meanwhile_is_refused(api: Api) -> None:
    token = api.provision(device_id="cam-front-gate")["enrolment"]["token"]
    with api.store.writing() as tx:
        tx.devices.set_state("cam-front-gate", "rejected")
    assert api.enrol(token).status_code == 403
    assert api.certificates_of("cam-front-gate") == 0


def test_the_fleet_is_counted_now_and_then_and_not_for_each_camera(api: Api) -> None:
    size, now = FleetSize(), datetime(2026, 5, 4, 12, tzinfo=UTC)
    counted = []
    for name, moment in [("One", now), ("Two", now + timedelta(seconds=9)), ("Three", now + timedelta(seconds=10))]:
        api.provision(name)
        with api.store.reading() as tx:
            counted.append(size.at(tx, moment))
    assert counted == [1, 1, 3]


def test_the_spread_of_reconnects_grows_with_the_fleet(api: Api) -> None:
    tokens = [api.provision(f"Camera {number}")["enrolment"]["token"] for number in range(5)]
    assert api.enrol(tokens[0]).get_json()["reconnect_spread_s"] == 0.01
