"""What the registry knows, as plain frozen values that the store returns and the use cases decide on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fleet.pki import BACKDATED


@dataclass(frozen=True)
class Site:
    """A place with cameras; `time_zone` is an IANA name such as Europe/Bucharest."""

    site_id: str
    name: str
    time_zone: str


@dataclass(frozen=True)
class DeviceRecord:
    """A fleet member. `facts_seq` rises with each change that the fleet must hear of."""

    device_id: str
    name: str
    site_id: str | None
    group: str | None
    state: str
    created_at: datetime
    streams: Mapping[str, Any] = field(default_factory=dict)
    facts_seq: int = 1
    # From revocation until a re-enrolment lifts it.
    denied: bool = False
    revoked_at: datetime | None = None
    decommissioned_at: datetime | None = None


@dataclass(frozen=True)
class CertificateRecord:
    """A certificate that we signed, for a device (`device_id`) or for one of our servers (None).

    `active_at` is when its holder was known to use it: at once when enrolled, at `confirm` when renewed.
    """

    serial: str
    issuer_ski: str
    subject: str
    device_id: str | None
    not_before: datetime
    not_after: datetime
    certificate_pem: str
    revoked_at: datetime | None = None
    active_at: datetime | None = None
    purpose: str = "enrolled"

    @property
    def issued_at(self) -> datetime:
        """When we signed it: the profile dates every leaf back by the same time, for cameras whose clock is behind."""
        return self.not_before + BACKDATED


@dataclass(frozen=True)
class EnrolmentRecord:
    """An enrolment token as the database knows it: never the token itself.

    `check` recognises the token, `sealed_key` is the key of the server's proof; both are None once used.
    """

    token_id: str
    device_id: str
    check: bytes | None
    sealed_key: bytes | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True)
class SightingRecord:
    """A camera that asked to be let in and shows `code`; `device_id` is set once a person accepted it."""

    code: str
    public_key: bytes
    csr_pem: str
    name_wish: str
    source: str | None
    seen_at: datetime
    expires_at: datetime
    device_id: str | None = None
    rejected_at: datetime | None = None
    collected_at: datetime | None = None


@dataclass(frozen=True)
class CutoffRecord:
    """One cutting off of a device, with the last step that was taken; `finished_at` ends it, well or not."""

    id: int
    device_id: str
    step: str
    requested_at: datetime
    requested_by: str
    finished_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True)
class ApiTokenRecord:
    """An API or service token by its hash; `sites` None means every site, `expires_at` None means never."""

    sha256: str
    kind: str
    label: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None = None
    sites: frozenset[str] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to which device, when, and from where."""

    at: datetime
    actor: str
    action: str
    device_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None


@dataclass(frozen=True)
class CrlRecord:
    """The newest revocation list of one issuer, as it is served."""

    issuer_ski: str
    number: int
    der: bytes
    this_update: datetime
    next_update: datetime


@dataclass(frozen=True)
class DeviceFilter:
    """Which devices a list shows; `sites` limits what an actor may see (None: every site)."""

    state: str | None = None
    site_id: str | None = None
    sites: frozenset[str] | None = None
    after_device_id: str | None = None
    limit: int = 100
    denied: bool | None = None
    text: str | None = None


@dataclass(frozen=True)
class CertificateFilter:
    """Which certificates of devices a list shows, by expiry; `after` is where the page before ended."""

    device_id: str | None = None
    due_before: datetime | None = None
    sites: frozenset[str] | None = None
    after: tuple[datetime, str] | None = None
    limit: int = 100


@dataclass(frozen=True)
class HistoryFilter:
    """Which audit entries a list shows, newest first; `before` is where the page before ended."""

    device_id: str | None = None
    before: int | None = None
    sites: frozenset[str] | None = None
    limit: int = 50
