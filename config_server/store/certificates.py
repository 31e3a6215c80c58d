"""Read and write the record of every certificate that we signed, and the lists of the revoked ones."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, literal, select, tuple_, update

from config_server.records import CertificateFilter, CertificateRecord, CrlRecord
from config_server.store.prepared import Prepared
from config_server.store.tables import certificates, crls, devices

_ADD = Prepared(insert(certificates), certificates.c.keys())
_CRL_VERSION = select(crls.c.number, crls.c.this_update).where(crls.c.issuer_ski == bindparam("wanted"))


class Certificates:
    """The certificates table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, certificate: CertificateRecord) -> None:
        """Record a certificate; every one is recorded in the transaction that hands it out."""
        _ADD.change(self._connection, vars(certificate))

    def newest_of(self, device_ids: Iterable[str]) -> dict[str, CertificateRecord]:
        """The unrevoked certificate that ends last, of each device that has one."""
        valid = certificates.c.device_id.in_(list(device_ids)) & certificates.c.revoked_at.is_(None)
        statement = select(certificates).where(valid).order_by(certificates.c.not_after)
        return {row.device_id: _record(row) for row in self._connection.execute(statement)}

    def of_subject(self, subject: str) -> Sequence[CertificateRecord]:
        """Every certificate of a name, oldest first."""
        statement = select(certificates).where(certificates.c.subject == subject)
        return [_record(row) for row in self._connection.execute(statement.order_by(certificates.c.not_before))]

    def activate(self, certificate: CertificateRecord, now: datetime) -> None:
        """Remember that its holder uses this certificate."""
        key = (certificates.c.issuer_ski == certificate.issuer_ski) & (certificates.c.serial == certificate.serial)
        self._connection.execute(update(certificates).where(key).values(active_at=now))

    def find(self, wanted: CertificateFilter) -> Sequence[CertificateRecord]:
        """Certificates of devices, those that end first first."""
        statement = select(certificates).join(devices, certificates.c.device_id == devices.c.device_id)
        if wanted.device_id is not None:
            statement = statement.where(certificates.c.device_id == wanted.device_id)
        if wanted.due_before is not None:
            statement = statement.where(
                certificates.c.not_after < wanted.due_before, certificates.c.revoked_at.is_(None)
            )
        if wanted.sites is not None:
            statement = statement.where(devices.c.site_id.in_(wanted.sites))
        order = tuple_(certificates.c.not_after, certificates.c.serial)
        if wanted.after is not None:
            not_after, serial = wanted.after
            ends = literal(not_after, certificates.c.not_after.type)
            statement = statement.where(order > tuple_(ends, literal(serial)))
        ordered = statement.order_by(certificates.c.not_after, certificates.c.serial).limit(wanted.limit)
        return [_record(row) for row in self._connection.execute(ordered)]

    def revoke_unexpired(self, device_id: str, now: datetime) -> list[str]:
        """Revoke every certificate of a device that still counts; the serials (hex) that were revoked now."""
        living = certificates.c.revoked_at.is_(None) & (certificates.c.not_after > now)
        mine = (certificates.c.device_id == device_id) & living
        serials = list(self._connection.execute(select(certificates.c.serial).where(mine)).scalars())
        self._connection.execute(update(certificates).where(mine).values(revoked_at=now))
        return serials

    def revoke(self, issuer_ski: str, serial: str, now: datetime) -> None:
        """Revoke one certificate."""
        this = (certificates.c.issuer_ski == issuer_ski) & (certificates.c.serial == serial)
        self._connection.execute(update(certificates).where(this).values(revoked_at=now))

    def last_expiry_of(self, issuer_ski: str) -> datetime | None:
        """When the last certificate of an issuer ends; None when it never signed one."""
        last = select(certificates.c.not_after).where(certificates.c.issuer_ski == issuer_ski)
        return self._connection.execute(last.order_by(certificates.c.not_after.desc()).limit(1)).scalar()

    def replaced(self, denied: Iterable[str], now: datetime) -> set[str]:
        """Those of the denied devices that hold a certificate again: it was made after all others were revoked."""
        living = certificates.c.revoked_at.is_(None) & (certificates.c.not_after > now)
        statement = select(certificates.c.device_id).where(certificates.c.device_id.in_(list(denied)), living)
        return set(self._connection.execute(statement).scalars())

    def revoked_by(self, issuer_ski: str, now: datetime) -> list[tuple[str, datetime]]:
        """Serial (hex) and time of each revoked certificate of an issuer that has not expired."""
        mine = certificates.c.issuer_ski == issuer_ski
        listed = mine & certificates.c.revoked_at.is_not(None) & (certificates.c.not_after > now)
        statement = select(certificates.c.serial, certificates.c.revoked_at).where(listed)
        return [(row.serial, row.revoked_at) for row in self._connection.execute(statement)]


class Crls:
    """The newest revocation list of each issuer, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, issuer_ski: str) -> CrlRecord | None:
        """The newest list of an issuer, or None."""
        row = self._connection.execute(select(crls).where(crls.c.issuer_ski == issuer_ski)).first()
        if row is None:
            return None
        return CrlRecord(row.issuer_ski, row.number, row.der, row.this_update, row.next_update)

    def version_of(self, issuer_ski: str) -> tuple[int, datetime] | None:
        """Number and time of the newest list of an issuer, without the list; None when there is none."""
        row = self._connection.execute(_CRL_VERSION, {"wanted": issuer_ski}).first()
        return None if row is None else (row.number, row.this_update)

    def all(self) -> Sequence[CrlRecord]:
        """The newest list of every issuer."""
        rows = self._connection.execute(select(crls).order_by(crls.c.issuer_ski))
        return [CrlRecord(r.issuer_ski, r.number, r.der, r.this_update, r.next_update) for r in rows]

    def put(self, crl: CrlRecord) -> None:
        """Replace an issuer's list; the caller took the next number inside the same writing transaction."""
        changed = self._connection.execute(
            update(crls).where(crls.c.issuer_ski == crl.issuer_ski).values(**asdict(crl))
        )
        if changed.rowcount == 0:
            self._connection.execute(insert(crls).values(**asdict(crl)))


def _record(row: Row[Any]) -> CertificateRecord:
    return CertificateRecord(
        serial=row.serial,
        issuer_ski=row.issuer_ski,
        subject=row.subject,
        device_id=row.device_id,
        not_before=row.not_before,
        not_after=row.not_after,
        certificate_pem=row.certificate_pem,
        revoked_at=row.revoked_at,
        active_at=row.active_at,
        purpose=row.purpose,
    )
