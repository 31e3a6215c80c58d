"""Enrolment: a one-time token and a CSR in, a certificate out, in one transaction."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config_server.cutoff import may_come_back
from config_server.lifecycle import MOVES, DeviceState, Move, MoveRefused, next_state
from config_server.records import AuditEntry, CertificateRecord, EnrolmentRecord
from config_server.registry import Change, Invalid
from config_server.signing import Signer
from config_server.store.conflict import AlreadyThere
from config_server.store.registry import Store, Transaction
from config_server.store.shared_commit import SharedCommit
from fleet.pki import (
    EnrolmentToken,
    NotAToken,
    SealBroken,
    check_value,
    make_proof,
    new_token,
    open_sealed,
    prove_key,
    read_certificate,
    read_csr,
    read_token,
    seal,
)

_ID_ATTEMPTS = 5


class EnrolmentRefused(Exception):
    """No certificate is given. The reason is for the operator's log; the device hears nothing of it."""


@dataclass(frozen=True)
class MadeToken:
    """A fresh token: the only moment at which it exists in the clear."""

    token: EnrolmentToken = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Applicant:
    """What a device sends to be enrolled, and from where."""

    token: str = field(repr=False)
    csr_pem: str
    source: str | None


@dataclass(frozen=True)
class Prepared:
    """A certificate that is signed and not yet anybody's, and the token that it is for."""

    token_id: str
    certificate: CertificateRecord


@dataclass(frozen=True)
class Prover:
    """Holds what the server needs to prove itself: the host's sealing key and the root that it hands out."""

    seal_key: bytes = field(repr=False)
    root_pem: bytes

    def seal_for(self, token: EnrolmentToken) -> bytes:
        """The proof's key, sealed so that a stolen database cannot prove anything."""
        return seal(self.seal_key, prove_key(token), token.public_id.encode())

    def prove(self, tx: Transaction, token_id: str, nonce: bytes, now: datetime) -> bytes:
        """HMAC over nonce and root by the key that only the token's maker and holder have; EnrolmentRefused."""
        record = _living(tx, token_id, now)
        try:
            key = open_sealed(self.seal_key, record.sealed_key or b"", token_id.encode())
        except SealBroken as error:
            raise EnrolmentRefused(f"token {token_id}: its sealed key does not open: {error}") from error
        return make_proof(key, token_id, nonce, read_certificate(self.root_pem).fingerprint)


def make_token(
    tx: Transaction, prover: Prover, device_id: str, life: timedelta, change: Change
) -> MadeToken:
    """Make a one-time token for a device that may have one; Invalid for any other."""
    device = tx.devices.get(device_id)
    if device is None or (DeviceState(device.state), Move.ENROL) not in MOVES:
        raise Invalid(f"{device_id} gets no enrolment token: it is {device.state if device else 'unknown'}")
    if device.denied:
        raise Invalid(f"{device_id} gets no enrolment token: it was revoked; let it come back with re-enrol")
    return token_for(tx, prover, device_id, life, change)


def token_for(tx: Transaction, prover: Prover, device_id: str, life: timedelta, change: Change) -> MadeToken:
    """Make a one-time token and keep only what recognises it; an older unused one ends."""
    tx.enrolments.withdraw(device_id, change.now)
    expires_at = change.now + life
    for _ in range(_ID_ATTEMPTS):
        token = new_token()
        sealed = prover.seal_for(token)
        record = EnrolmentRecord(
            token.public_id, device_id, check_value(token), sealed, change.now, expires_at
        )
        try:
            tx.enrolments.add(record)
        except AlreadyThere:
            continue
        tx.audit.add(change.entry("enrolment.token-made", device_id, token_id=token.public_id))
        return MadeToken(token, expires_at)
    raise AlreadyThere("no free public id for an enrolment token was found")


def prepare(tx: Transaction, signer: Signer, applicant: Applicant, now: datetime) -> Prepared:
    """Check the token and sign the CSR's key for the token's device; EnrolmentRefused or CsrRefused.

    This takes longer than writing, and the database has one writer at a time: so it is done beforehand, in a reading
    transaction. What it makes is worth nothing until `enrol` has used the token up.
    """
    token = _recognised(tx, applicant.token, now)
    public_key = read_csr(applicant.csr_pem.encode()).public_key
    return Prepared(token.token_id, signer.certify(token.device_id, public_key, now))


def enrol(tx: Transaction, prepared: Prepared, source: str | None, now: datetime) -> None:
    """Use the token up, and record device and certificate; EnrolmentRefused when anything changed in between."""
    device_id, serial = prepared.certificate.subject, prepared.certificate.serial
    if not tx.enrolments.use(prepared.token_id, now):
        raise EnrolmentRefused(f"token {prepared.token_id}: used a moment ago by another request")
    admit(tx, device_id, now)
    tx.certificates.add(prepared.certificate)
    detail = {"serial": serial, "token_id": prepared.token_id}
    tx.audit.add(AuditEntry(now, f"device:{device_id}", "device.enrolled", device_id, detail, source))


def shared_enrolments(store: Store) -> SharedCommit:
    """How enrolments are committed: those that wait, together; a refused one is undone alone."""
    return SharedCommit(store, EnrolmentRefused)


def _recognised(tx: Transaction, text: str, now: datetime) -> EnrolmentRecord:
    try:
        token = read_token(text)
    except NotAToken as error:
        raise EnrolmentRefused(f"not a token: {error}") from error
    record = _living(tx, token.public_id, now)
    if not hmac.compare_digest(record.check or b"", check_value(token)):
        raise EnrolmentRefused(f"token {token.public_id}: the secret part is wrong")
    return record


def _living(tx: Transaction, token_id: str, now: datetime) -> EnrolmentRecord:
    record = tx.enrolments.get(token_id)
    if record is None:
        raise EnrolmentRefused(f"token {token_id}: unknown")
    if record.used_at is not None:
        raise EnrolmentRefused(f"token {token_id} of {record.device_id}: already used at {record.used_at}")
    if record.expires_at <= now:
        raise EnrolmentRefused(f"token {token_id} of {record.device_id}: expired at {record.expires_at}")
    return record


def admit(tx: Transaction, device_id: str, now: datetime) -> None:
    """Let a device have its certificate now; EnrolmentRefused when it is out, or still being cut off."""
    device = tx.devices.get(device_id)
    if device is None:
        raise EnrolmentRefused(f"{device_id}: not in the registry")
    try:
        state = next_state(DeviceState(device.state), Move.ENROL)
    except MoveRefused as error:
        raise EnrolmentRefused(f"{device_id}: {error}") from error
    if device.denied:
        if not may_come_back(tx.cutoffs.newest_of(device_id)):
            raise EnrolmentRefused(f"{device_id}: revoked, and its older certificates are in no loaded CRL yet")
        tx.devices.lift_denial(device_id)
        tx.audit.add(AuditEntry(now, f"device:{device_id}", "device.denial-lifted", device_id))
    tx.devices.set_state(device_id, state)
