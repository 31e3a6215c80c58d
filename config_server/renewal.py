"""Renewal: a camera that proves its current key gets a certificate for its next one, and confirms it in use."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config_server.lifecycle import DeviceState
from config_server.records import AuditEntry, CertificateRecord
from config_server.signing import RENEWED, Signer
from config_server.store.registry import Transaction
from fleet.pki import (
    CsrRefused,
    confirmation_message,
    read_certificate,
    read_csr,
    renewal_message,
    signature_is_right,
)
from fleet.pki.renewal import NONCE_BYTES

NONCE_LIFE = timedelta(seconds=60)
GRACE = timedelta(days=90)


class RenewalRefused(Exception):
    """Nothing is given or changed. The reason is for the operator's log; whoever asked hears nothing of it."""


@dataclass(frozen=True)
class RenewalRequest:
    """What somebody sends who says that it is `device_id` and holds the key of certificate `serial`."""

    device_id: str
    serial: str
    nonce: bytes = field(repr=False)
    csr_pem: str = field(repr=False)
    signature: bytes = field(repr=False)
    source: str | None = None


def give_nonce(tx: Transaction, device_id: str, now: datetime) -> bytes:
    """Give a nonce to whoever asks: it is worth nothing without the key, and tells nobody whether a camera exists."""
    tx.renewal_nonces.forget_expired(now)
    nonce = secrets.token_bytes(NONCE_BYTES)
    tx.renewal_nonces.add(nonce, device_id, now + NONCE_LIFE)
    return nonce


def renew(tx: Transaction, signer: Signer, request: RenewalRequest, now: datetime) -> CertificateRecord:
    """Sign the next certificate; RenewalRefused for everything that is not right, and then nothing is changed.

    A request that is repeated with the same key, because the answer was lost, gets the same certificate again.
    """
    current = _proven(tx, request, now)
    public_key = _requested_key(request)
    if not tx.renewal_nonces.use(request.nonce, request.device_id, now):
        raise _refused(request.device_id, "its nonce is unknown, another's, expired or used already")
    _activate(tx, current, now)
    known = tx.certificates.of_subject(request.device_id)
    again = _unconfirmed_with(known, public_key, signer)
    if again is not None:
        return again
    if any(_key_of(one) == public_key for one in known):
        raise _refused(request.device_id, "the key is not new")
    issued = signer.sign_device(tx, request.device_id, public_key, now, RENEWED)
    serials = {"serial": issued.serial, "signed_by_serial": current.serial}
    tx.audit.add(_entry(request.device_id, "certificate.renewed", now, request.source, **serials))
    return issued


def confirm(tx: Transaction, device_id: str, serial: str, signature: bytes, now: datetime) -> CertificateRecord:
    """Let a renewed certificate count from now on, and no older one; saying it again changes nothing."""
    _check_device(tx, device_id)
    found = _acceptable(tx, device_id, serial)
    if not signature_is_right(_key_of(found), signature, confirmation_message(device_id, serial)):
        raise _refused(device_id, f"the confirmation of {serial} is not signed by its key")
    _activate(tx, found, now)
    return found


def _activate(tx: Transaction, certificate: CertificateRecord, now: datetime) -> None:
    """Whoever proves its key uses it, in a confirmation or in the next renewal."""
    if certificate.active_at is None:
        tx.certificates.activate(certificate, now)
        tx.audit.add(_entry(certificate.subject, "certificate.active", now, serial=certificate.serial))


def _entry(device_id: str, action: str, now: datetime, source: str | None = None, **detail: str) -> AuditEntry:
    return AuditEntry(now, f"device:{device_id}", action, device_id, detail, source)


def _proven(tx: Transaction, request: RenewalRequest, now: datetime) -> CertificateRecord:
    """The registry's certificate whose key signed this request."""
    _check_device(tx, request.device_id)
    current = _acceptable(tx, request.device_id, request.serial)
    if now > current.not_after + GRACE:
        ended = f"{current.serial} ended on {current.not_after:%Y-%m-%d}, more than {GRACE.days} days ago"
        raise _refused(request.device_id, f"{ended}: re-enrol it")
    if len(request.nonce) != NONCE_BYTES:
        raise _refused(request.device_id, "its nonce has the wrong length")
    message = renewal_message(request.nonce, request.serial, _csr_bytes(request))
    if not signature_is_right(_key_of(current), request.signature, message):
        raise _refused(request.device_id, f"not signed by the key of {request.serial}")
    return current


def _check_device(tx: Transaction, device_id: str) -> None:
    # A revocation of this moment comes before or after, never between the look and the certificate.
    tx.devices.hold(device_id)
    device = tx.devices.get(device_id)
    if device is None:
        raise _refused(device_id, "no such device")
    if device.denied:
        raise _refused(device_id, f"it was cut off at {device.revoked_at}: re-enrol it if it is to come back")
    if device.state != DeviceState.ACCEPTED:
        raise _refused(device_id, f"it is {device.state}")


def _acceptable(tx: Transaction, device_id: str, serial: str) -> CertificateRecord:
    """The device's certificate `serial`, if it is the one that counts or was issued to follow it."""
    known = tx.certificates.of_subject(device_id)
    found = next((one for one in known if one.serial == serial), None)
    if found is None:
        raise _refused(device_id, f"it never had the certificate {serial}")
    if found.revoked_at is not None:
        raise _refused(device_id, f"{serial} was revoked at {found.revoked_at}")
    if _was_followed(found, known):
        raise _refused(device_id, f"{serial} was followed by a newer certificate that its camera confirmed")
    return found


def _was_followed(certificate: CertificateRecord, known: Sequence[CertificateRecord]) -> bool:
    """Say whether a later certificate is in use: then an older key, perhaps stolen since, gives no right any more.

    The order is that of issuing, so that a server clock that was corrected meanwhile locks nobody out.
    """
    return any(other.active_at is not None and other.not_before > certificate.not_before for other in known)


def _requested_key(request: RenewalRequest) -> bytes:
    try:
        csr = read_csr(_csr_bytes(request))
    except CsrRefused as error:
        raise _refused(request.device_id, f"its certificate request is not usable: {error}") from error
    if csr.asked_name != request.device_id:
        raise _refused(request.device_id, f"its certificate request asks for the name {csr.asked_name!r}")
    return csr.public_key


def _unconfirmed_with(
    known: Sequence[CertificateRecord], public_key: bytes, signer: Signer
) -> CertificateRecord | None:
    for one in known:
        fresh = one.purpose == RENEWED and one.active_at is None and one.revoked_at is None
        if fresh and one.issuer_ski == signer.authority.ski and _key_of(one) == public_key:
            return one
    return None


def _key_of(certificate: CertificateRecord) -> bytes:
    return read_certificate(certificate.certificate_pem.encode()).public_key


def _csr_bytes(request: RenewalRequest) -> bytes:
    # A text that came as JSON may hold what no encoding has; such a request is only refused.
    return request.csr_pem.encode("utf-8", "replace")


def _refused(device_id: str, why: str) -> RenewalRefused:
    return RenewalRefused(f"{device_id}: {why}")
