"""What the REST API takes and gives, as the OpenAPI page shows it."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from config_server.lifecycle import DeviceState
from config_server.records import CertificateRecord, CutoffRecord, Site
from config_server.registry import MAX_NAME_LENGTH, DeviceView
from fleet.messages.message import to_wire_time

WireTime = Annotated[datetime, PlainSerializer(to_wire_time, return_type=str)]
SiteId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", examples=["north-yard"])]
# What somebody asks for by id; PostgreSQL takes no NUL in a text.
AnyId = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, examples=["Front gate"])]


class Given(BaseModel):
    """What a client sends: a misspelt field is an error, not silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProofRequest(Given):
    """Asks the server to prove that it knows a token, before the token is sent to it."""

    token_id: str = Field(pattern="^[0-9A-Za-z]{6}$", examples=["7K2Q9D"])
    nonce: str = Field(pattern="^[0-9a-f]{64}$", description="32 random bytes, hex")


class Proof(BaseModel):
    """HMAC(K, 'server' ‖ public id ‖ nonce ‖ SHA-256 of the root), hex."""

    root_pem: str
    proof: str


class EnrolmentRequest(Given):
    """A one-time token and a request for the key that the device has just made."""

    token: str = Field(max_length=64, examples=["7K2Q9D.ABCD-EFGH-JKMN-PQRS"])
    csr_pem: str = Field(max_length=16384)


class Enrolled(BaseModel):
    """Everything that a camera needs from now on."""

    device_id: str
    certificate_pem: str = Field(description="leaf followed by the issuing CA")
    root_pem: str
    broker_host: str
    broker_port: int
    public_url: str
    server_time: WireTime
    reconnect_spread_s: float


class Certificate(BaseModel):
    """The certificate that a device should be using."""

    serial: str
    not_after: WireTime

    @classmethod
    def of(cls, record: CertificateRecord) -> Self:
        """What of a record is shown."""
        return cls(serial=record.serial, not_after=record.not_after)


class Device(BaseModel):
    """A fleet member."""

    device_id: str
    name: str
    site_id: str | None
    group: str | None
    state: str
    denied: bool = Field(description="true from a revocation until a re-enrolment")
    created_at: WireTime
    revoked_at: WireTime | None
    decommissioned_at: WireTime | None
    certificate: Certificate | None
    streams: dict[str, Any]

    @classmethod
    def of(cls, view: DeviceView) -> Self:
        """What of a device is shown."""
        device = view.device
        return cls(
            device_id=device.device_id,
            name=device.name,
            site_id=device.site_id,
            group=device.group,
            state=device.state,
            denied=device.denied,
            created_at=device.created_at,
            revoked_at=device.revoked_at,
            decommissioned_at=device.decommissioned_at,
            certificate=Certificate.of(view.certificate) if view.certificate else None,
            streams=dict(device.streams),
        )


class DeviceList(BaseModel):
    """A page of devices; `cursor` asks for the next one, null when there is none."""

    items: list[Device]
    cursor: str | None


class DeviceQuery(Given):
    """Which devices to list."""

    state: DeviceState | None = None
    site: SiteId | None = None
    denied: bool | None = Field(default=None, description="only those that were revoked (true) or were not (false)")
    text: Annotated[str, Field(max_length=MAX_NAME_LENGTH, pattern=r"^[^\x00]*$")] | None = Field(
        default=None, description="part of the id or name, in any case"
    )
    cursor: AnyId | None = None
    limit: int = Field(default=100, ge=1, le=500)


class DevicePath(Given):
    """One device."""

    device_id: AnyId


class NewDeviceRequest(Given):
    """A camera that does not exist yet; without `device_id` one is made from the name."""

    name: Name
    device_id: str | None = Field(default=None, max_length=64, examples=["cam-front-gate"])
    site: SiteId | None = None


class EnrolmentTicket(BaseModel):
    """The one-time token; it is shown here and never again."""

    token: str
    token_id: str
    expires_at: WireTime
    command: str = Field(description="what to run on the camera")


class DeviceCreated(BaseModel):
    """A new pending device and the way to enrol it."""

    device: Device
    enrolment: EnrolmentTicket


class Bundle(BaseModel):
    """A camera's files, its key too: handed out once, never stored."""

    files: dict[str, str]


class SiteModel(Given):
    """A place with cameras; the time zone is an IANA name."""

    id: SiteId
    name: Name
    time_zone: str = Field(max_length=64, examples=["Europe/Bucharest"])

    @classmethod
    def of(cls, site: Site) -> Self:
        """What of a site is shown."""
        return cls(id=site.site_id, name=site.name, time_zone=site.time_zone)


class SiteList(BaseModel):
    """Every site."""

    items: list[SiteModel]


class CrlPath(Given):
    """The issuer's subject key identifier, hex."""

    ski: str = Field(pattern="^[0-9a-f]{40}$")


class Cutoff(BaseModel):
    """How far the cutting off of a device is; done once `finished_at` is there and `step` is "proven"."""

    device_id: str
    step: str = Field(description="recorded, denied, crl, reloaded, kicked, proven or failed")
    requested_at: WireTime
    requested_by: str
    finished_at: WireTime | None
    detail: str

    @classmethod
    def of(cls, record: CutoffRecord) -> Self:
        """What of a record is shown."""
        return cls(
            device_id=record.device_id,
            step=record.step,
            requested_at=record.requested_at,
            requested_by=record.requested_by,
            finished_at=record.finished_at,
            detail=record.detail,
        )
