"""Keys, certificates, CRLs and proofs, checked by the library's own verifier and by OpenSSL."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from fleet import pki

NOW = datetime.now(UTC)
CRL_URL = "http://localhost:8081/crl/aa.crl"
ROOT = pki.Authority.new_root("Test root", NOW)
ISSUING = ROOT.new_issuing("Test issuing", NOW)


def device_certificate(device_id: str = "cam-front-01") -> bytes:
    return ISSUING.issue(pki.device_profile(device_id, CRL_URL), pki.public_key_of(pki.new_key()), NOW)


def test_a_device_certificate_has_the_profile_of_the_design() -> None:
    leaf = x509.load_pem_x509_certificate(device_certificate())
    extensions = leaf.extensions
    assert leaf.subject.rfc4514_string() == "CN=cam-front-01"
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:camfleet:device:cam-front-01"]
    point = next(iter(extensions.get_extension_for_class(x509.CRLDistributionPoints).value))
    assert point.full_name is not None
    assert point.full_name[0].value == CRL_URL
    assert timedelta(days=89) < leaf.not_valid_after_utc - NOW <= timedelta(days=90)
    assert NOW - leaf.not_valid_before_utc >= timedelta(minutes=59)
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize("name", ["cam-a", "cam-front/up", "cam-+", "CAM-FRONT-01", "srv-ingest-1", "host-broker"])
def test_no_other_name_is_ever_issued_to_a_device(name: str) -> None:
    with pytest.raises(ValueError, match="not a device id"):
        pki.device_profile(name, CRL_URL)


def test_openssl_accepts_chain_and_crls_and_refuses_a_revoked_leaf(tmp_path: Path) -> None:
    leaf = device_certificate()
    serial = pki.read_certificate(leaf).serial
    week = timedelta(days=7)
    files = {
        "root.pem": ROOT.certificate_pem,
        "issuing.pem": ISSUING.certificate_pem,
        "leaf.pem": leaf,
        "good.crl": ROOT.sign_crl([], 1, NOW, week) + ISSUING.sign_crl([], 1, NOW, week),
        "bad.crl": ROOT.sign_crl([], 2, NOW, week) + ISSUING.sign_crl([pki.Revoked(serial, NOW)], 2, NOW, week),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert _openssl_verify(tmp_path, "good.crl") == "leaf.pem: OK"
    assert "certificate revoked" in _openssl_verify(tmp_path, "bad.crl")


def _openssl_verify(folder: Path, crl: str) -> str:
    command = ["openssl", "verify", "-x509_strict", "-crl_check_all", "-purpose", "sslclient"]
    command += ["-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", crl, "leaf.pem"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def test_the_library_verifies_a_client_chain() -> None:
    store = x509.verification.Store([x509.load_pem_x509_certificate(ROOT.certificate_pem)])
    verifier = x509.verification.PolicyBuilder().store(store).time(NOW).build_client_verifier()
    leaf = x509.load_pem_x509_certificate(device_certificate())
    verified = verifier.verify(leaf, [x509.load_pem_x509_certificate(ISSUING.certificate_pem)])
    assert len(verified.chain) == 3


def test_a_crl_says_what_was_revoked() -> None:
    crl = pki.read_crl(ISSUING.sign_crl([pki.Revoked(5, NOW)], 9, NOW, timedelta(days=7)))
    assert (crl.number, crl.serials) == (9, frozenset({5}))
    with pytest.raises(pki.NotACrl):
        pki.read_crl(b"garbage")


def test_a_ca_key_opens_only_with_its_passphrase_and_its_certificate() -> None:
    key = ISSUING.protected_key(b"right")
    assert pki.Authority.load(ISSUING.certificate_pem, key, b"right").ski == ISSUING.ski
    with pytest.raises(pki.KeyRefused, match="passphrase"):
        pki.Authority.load(ISSUING.certificate_pem, key, b"wrong")
    with pytest.raises(pki.KeyRefused, match="does not belong"):
        pki.Authority.load(ROOT.certificate_pem, key, b"right")


def test_a_certificate_is_due_after_two_thirds_of_its_life() -> None:
    facts = pki.read_certificate(device_certificate())
    assert not facts.is_due(NOW + timedelta(days=59))
    assert facts.is_due(NOW + timedelta(days=61))


def test_a_csr_keeps_its_key_and_its_name_is_only_a_wish() -> None:
    key = pki.new_key()
    request = pki.read_csr(pki.make_csr(key, "cam-somebody-else"))
    assert (request.public_key, request.asked_name) == (pki.public_key_of(key), "cam-somebody-else")


def test_bad_csrs_are_refused_by_rule() -> None:
    good = pki.make_csr(pki.new_key(), "cam-front-01")
    with pytest.raises(pki.CsrRefused, match="larger"):
        pki.read_csr(good + b" " * 5000)
    with pytest.raises(pki.CsrRefused, match="readable"):
        pki.read_csr(b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----")


@pytest.mark.parametrize("algorithm", ["RSA", "EC -pkeyopt ec_paramgen_curve:secp384r1", "ED25519"])
def test_csrs_of_other_keys_are_refused(tmp_path: Path, algorithm: str) -> None:
    make_key = f"openssl genpkey -algorithm {algorithm} -out key.pem".split()
    subprocess.run(make_key, cwd=tmp_path, check=True, capture_output=True)
    make_request = ["openssl", "req", "-new", "-key", "key.pem", "-subj", "/CN=cam-front-01", "-out", "csr.pem"]
    subprocess.run(make_request, cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(pki.CsrRefused, match="P-256"):
        pki.read_csr((tmp_path / "csr.pem").read_bytes())


@given(st.binary(max_size=400))
def test_garbage_is_refused_by_name_everywhere(garbage: bytes) -> None:
    with pytest.raises(pki.CsrRefused):
        pki.read_csr(garbage)
    with pytest.raises(pki.NotACertificate):
        pki.read_certificate(garbage)


def test_a_token_is_read_as_people_type_it() -> None:
    token = pki.new_token()
    typed = str(token).lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert pki.read_token(typed) == token
    assert token.secret not in repr(token)


@pytest.mark.parametrize("text", ["", "ABC123", "ABC123.0000-0000-0000", "ABC123.0000-0000-0000-000U", "x" * 5000])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(pki.NotAToken, match="looks like"):
        pki.read_token(text)


def test_only_the_maker_of_a_token_can_prove_itself() -> None:
    token, nonce, root = pki.new_token(), b"n" * 32, b"f" * 32
    proof = pki.make_proof(pki.prove_key(token), token.public_id, nonce, root)
    assert pki.proof_is_right(proof, token, nonce, root)
    assert not pki.proof_is_right(proof, token, nonce, b"e" * 32)
    assert not pki.proof_is_right(proof, token, b"m" * 32, root)
    assert not pki.proof_is_right(proof, pki.new_token(), nonce, root)


def test_what_is_sealed_opens_only_with_its_key_and_purpose() -> None:
    key = pki.new_seal_key()
    sealed = pki.seal(key, b"secret", b"proof")
    assert pki.open_sealed(key, sealed, b"proof") == b"secret"
    for other_key, purpose in ((pki.new_seal_key(), b"proof"), (key, b"other")):
        with pytest.raises(pki.SealBroken):
            pki.open_sealed(other_key, sealed, purpose)


def test_a_signature_is_right_only_for_its_key_and_message() -> None:
    key = pki.new_key()
    signature = pki.sign(key, b"renew")
    assert pki.signature_is_right(pki.public_key_of(key), signature, b"renew")
    assert not pki.signature_is_right(pki.public_key_of(key), signature, b"other")
    assert not pki.signature_is_right(pki.public_key_of(pki.new_key()), signature, b"renew")
    assert not pki.signature_is_right(b"garbage", signature, b"renew")
