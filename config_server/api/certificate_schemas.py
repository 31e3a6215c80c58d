"""What the routes of certificates and authorities take and give."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field

from config_server.api.schemas import AnyId, Given, WireTime
from config_server.records import CertificateFilter, CertificateRecord, CrlRecord
from fleet.messages.message import UtcTime
from fleet.pki import read_certificate

_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)/([0-9a-f]{1,40})")


def _readable(cursor: str) -> str:
    """The cursor as it came; ValueError when no list of ours gave it."""
    _place(cursor)
    return cursor


def _place(cursor: str) -> tuple[datetime, str]:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ValueError("this cursor came from no list of certificates")
    return datetime.fromisoformat(found[1]), found[2]


class CertificateQuery(Given):
    """Which certificates to list."""

    device: AnyId | None = None
    due_before: UtcTime | None = Field(default=None, description="with a zone, e.g. 2027-01-31T00:00:00Z")
    cursor: Annotated[str, AfterValidator(_readable)] | None = None
    limit: int = Field(default=100, ge=1, le=500)

    def wanted(self, sites: frozenset[str] | None) -> CertificateFilter:
        """The same for the store, with one more than a page to see whether there are more."""
        after = None if self.cursor is None else _place(self.cursor)
        return CertificateFilter(self.device, self.due_before, sites, after, self.limit + 1)


class CertificateItem(BaseModel):
    """A certificate that a device was given. `purpose` is enrolled, renewed or bundle."""

    serial: str
    issuer_ski: str
    device_id: str
    purpose: str
    issued_at: WireTime = Field(description="when it was signed; `not_before` is earlier, for clocks that are behind")
    not_before: WireTime
    not_after: WireTime
    active_at: WireTime | None = Field(description="since when its camera is known to use it")
    revoked_at: WireTime | None

    @classmethod
    def of(cls, record: CertificateRecord) -> Self:
        """What of a record is shown."""
        return cls(
            serial=record.serial,
            issuer_ski=record.issuer_ski,
            device_id=record.subject,
            purpose=record.purpose,
            issued_at=record.issued_at,
            not_before=record.not_before,
            not_after=record.not_after,
            active_at=record.active_at,
            revoked_at=record.revoked_at,
        )


class CertificateList(BaseModel):
    """A page of certificates; `cursor` asks for the next one, null when there is none."""

    items: list[CertificateItem]
    cursor: str | None


class AuthorityItem(BaseModel):
    """A CA's certificate."""

    name: str
    serial: str
    not_after: WireTime
    fingerprint: str = Field(description="SHA-256 of its DER, hex")

    @classmethod
    def of(cls, pem: bytes) -> Self:
        """What of a CA is shown."""
        facts = read_certificate(pem)
        return cls(
            name=facts.common_name,
            serial=format(facts.serial, "x"),
            not_after=facts.not_after,
            fingerprint=facts.fingerprint.hex(),
        )


class CrlItem(BaseModel):
    """The newest revocation list of one CA; less than three days left is an alert."""

    issuer_ski: str
    number: int
    this_update: WireTime
    next_update: WireTime


class AuthoritiesInfo(BaseModel):
    """The root that cameras trust, the CA that signs now, and every revocation list."""

    root: AuthorityItem
    issuing: AuthorityItem
    crls: list[CrlItem]

    @classmethod
    def of(cls, root_pem: bytes, issuing_pem: bytes, crls: Iterable[CrlRecord]) -> Self:
        """What of the authorities is shown."""
        lists = [
            CrlItem(issuer_ski=c.issuer_ski, number=c.number, this_update=c.this_update, next_update=c.next_update)
            for c in crls
        ]
        return cls(root=AuthorityItem.of(root_pem), issuing=AuthorityItem.of(issuing_pem), crls=lists)


def cursor_of(last: CertificateItem) -> str:
    """Where the page that ends with this certificate ends."""
    return f"{last.model_dump(mode='json')['not_after']}/{last.serial}"
