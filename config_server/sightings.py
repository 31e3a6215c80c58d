"""Accept-on-sight: a camera asks to be let in and shows a code, a person who compared it lets it in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from config_server.enrolment import EnrolmentRefused, admit
from config_server.lifecycle import DeviceState, Move, next_state
from config_server.records import AuditEntry, CertificateRecord, DeviceRecord, SightingRecord
from config_server.registry import Change, Conflict, NewDevice, Unknown, checked_name, register_device
from config_server.signing import Signer
from config_server.store.registry import Transaction
from fleet.pki import pairing_code, read_certificate, read_csr

# A person stands near by: who shows a code for longer starts over.
WAITS = timedelta(hours=1)
# An accepted camera may be without network for a while before it collects its certificate.
MAY_COLLECT = timedelta(days=1)
MOST_WAITING = 500
# One sender cannot take every place; a whole site may stand behind one address.
MOST_FROM_ONE = 50


class SightingRefused(EnrolmentRefused):
    """This camera is not let in by its code; the reason is for the operator's log."""


class TooManyWaiting(Exception):
    """More cameras wait to be accepted than anybody can compare: somebody may be flooding."""


@dataclass(frozen=True)
class Asker:
    """What a camera that asks to be let in sends, and from where."""

    csr_pem: str
    name_wish: str
    source: str | None


@dataclass(frozen=True)
class Reception:
    """Where cameras are let in: the root that they are shown is part of their code."""

    root_pem: bytes
    signer: Signer

    def code_of(self, csr_pem: str) -> tuple[str, bytes]:
        """The code of a request and its public key; CsrRefused when the request is not signed by its own key."""
        public_key = read_csr(csr_pem.encode()).public_key
        return pairing_code(read_certificate(self.root_pem).fingerprint, public_key), public_key

    def sight(self, tx: Transaction, asker: Asker, now: datetime) -> SightingRecord:
        """Remember a camera that asks; asking again changes nothing but how long it waits."""
        code, public_key = self.code_of(asker.csr_pem)
        tx.sightings.forget_expired(now)
        known = tx.sightings.get(code)
        if known is not None:
            return _asked_again(tx, known, public_key, now)
        _check_room(tx, asker.source)
        fresh = SightingRecord(
            code=code,
            public_key=public_key,
            csr_pem=asker.csr_pem,
            name_wish=checked_name(asker.name_wish),
            source=asker.source,
            seen_at=now,
            expires_at=now + WAITS,
        )
        tx.sightings.add(fresh)
        return fresh

    def is_waiting(self, tx: Transaction, asker: Asker, now: datetime) -> bool:
        """Say whether nobody has decided yet; SightingRefused when it is not let in."""
        return self._let_in(tx, asker, now).device_id is None

    def collect(self, tx: Transaction, asker: Asker, now: datetime) -> CertificateRecord:
        """The certificate of an accepted camera; SightingRefused when it is not let in."""
        sighting = self._let_in(tx, asker, now)
        if sighting.device_id is None:
            raise SightingRefused(f"sighting {sighting.code}: nobody has accepted it")
        if not tx.sightings.collect(sighting.code, now):
            return _given_before(tx, sighting)
        return self._issue(tx, sighting, asker, now)

    def _let_in(self, tx: Transaction, asker: Asker, now: datetime) -> SightingRecord:
        code, public_key = self.code_of(asker.csr_pem)
        sighting = tx.sightings.get(code)
        if sighting is None or sighting.expires_at <= now:
            raise SightingRefused(f"sighting {code}: unknown or expired")
        if sighting.public_key != public_key or sighting.rejected_at is not None:
            raise SightingRefused(f"sighting {code}: rejected, or of another key")
        return sighting

    def _issue(
        self, tx: Transaction, sighting: SightingRecord, asker: Asker, now: datetime
    ) -> CertificateRecord:
        device_id = sighting.device_id or ""
        device = tx.devices.get(device_id)
        if device is None or device.denied:
            raise SightingRefused(f"sighting {sighting.code}: {device_id} was cut off since")
        admit(tx, device_id, now)
        record = self.signer.sign_device(tx, device_id, sighting.public_key, now)
        detail = {"serial": record.serial, "code": sighting.code}
        tx.audit.add(AuditEntry(now, f"device:{device_id}", "device.enrolled", device_id, detail, asker.source))
        return record


def _check_room(tx: Transaction, source: str | None) -> None:
    if tx.sightings.count_waiting() >= MOST_WAITING:
        raise TooManyWaiting(f"{MOST_WAITING} cameras wait to be accepted")
    if tx.sightings.count_waiting_from(source) >= MOST_FROM_ONE:
        raise TooManyWaiting(f"{MOST_FROM_ONE} cameras wait to be accepted that ask from {source}")


def accept_sighting(tx: Transaction, code: str, new: NewDevice, change: Change) -> DeviceRecord:
    """Register the camera that shows this code and let it have its certificate."""
    _undecided(tx, code, change.now)
    device = register_device(tx, new, change)
    tx.devices.set_state(device.device_id, next_state(DeviceState(device.state), Move.ACCEPT))
    tx.sightings.accept(code, device.device_id, change.now + MAY_COLLECT)
    tx.audit.add(change.entry("device.accepted", device.device_id, code=code))
    return device


def reject_sighting(tx: Transaction, code: str, change: Change) -> None:
    """Turn the camera that shows this code away."""
    sighting = _undecided(tx, code, change.now)
    tx.sightings.reject(code, change.now)
    tx.audit.add(change.entry("sighting.rejected", code=code, name_wish=sighting.name_wish))


def _undecided(tx: Transaction, code: str, now: datetime) -> SightingRecord:
    sighting = tx.sightings.get(code)
    if sighting is None or sighting.expires_at <= now:
        raise Unknown(f"no camera shows the code {code!r}: compare all of it, or have it ask again")
    if sighting.device_id is not None or sighting.rejected_at is not None:
        raise Conflict("somebody decided on this camera a moment ago")
    return sighting


def _asked_again(tx: Transaction, known: SightingRecord, public_key: bytes, now: datetime) -> SightingRecord:
    if known.public_key != public_key or known.rejected_at is not None:
        raise SightingRefused(f"sighting {known.code}: rejected, or of another key")
    if known.device_id is None:
        tx.sightings.extend(known.code, now + WAITS)
    return known


def _given_before(tx: Transaction, sighting: SightingRecord) -> CertificateRecord:
    """The same certificate again: an answer can be lost, and the key in it is still the camera's."""
    newest = tx.certificates.newest_of([sighting.device_id or ""]).get(sighting.device_id or "")
    if newest is None or read_certificate(newest.certificate_pem.encode()).public_key != sighting.public_key:
        raise SightingRefused(f"sighting {sighting.code}: its certificate was revoked or replaced")
    return newest
