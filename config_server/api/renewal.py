"""Routes by which a camera whose certificate has ended gets its next one: a nonce, then a signed request."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from config_server import renewal
from config_server.api.context import services, source_address
from config_server.api.documented import problems
from config_server.guards import ENROLMENT, guarded
from fleet.logs import get_logger

log = get_logger(__name__)

blueprint = APIBlueprint(
    "renewal",
    __name__,
    url_prefix="/config/renew",
    abp_tags=[Tag(name="Renewal", description=__doc__)],
    abp_responses=problems(403, 429),
)

_DEVICE = Field(pattern=r"^cam-[a-z0-9-]{5,60}$", examples=["cam-front-gate"])


class NonceRequest(BaseModel):
    """Which camera asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device_id: str = _DEVICE


class Nonce(BaseModel):
    """Good once and for 60 s."""

    nonce: str = Field(description="32 bytes, hex", examples=["5e" * 32])


class RenewalRequest(BaseModel):
    """Signed by the key of certificate `serial`, which may have ended up to 90 days ago.

    The signature is ECDSA with SHA-256 over 'camfleet/renew' ‖ nonce ‖ serial (as text) ‖ SHA-256 of `csr_pem`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device_id: str = _DEVICE
    serial: str = Field(pattern="^[0-9a-f]{1,40}$", description="of the certificate in use, hex", examples=["1f3a9c"])
    nonce: str = Field(pattern="^[0-9a-f]{64}$", examples=["5e" * 32])
    csr_pem: str = Field(max_length=16384, examples=["-----BEGIN CERTIFICATE REQUEST-----…"])
    signature: str = Field(pattern="^([0-9a-f]{2}){1,80}$", description="DER, hex", examples=["3045022100"])


class Renewed(BaseModel):
    """The next certificate; it counts when the camera has confirmed it over MQTT."""

    certificate_pem: str = Field(description="leaf followed by the issuing CA")
    serial: str = Field(examples=["2b4c7d"])


@blueprint.post("/nonce", responses={200: Nonce}, summary="Ask for a nonce")
@guarded(ENROLMENT)
def nonce(body: NonceRequest) -> dict[str, Any]:
    """Everybody gets one, for a camera that does not exist too."""
    parts = services()
    with parts.store.writing() as tx:
        given = renewal.give_nonce(tx, body.device_id, parts.clock())
    return Nonce(nonce=given.hex()).model_dump(mode="json")


@blueprint.post("", responses={200: Renewed}, summary="Exchange a signed request for the next certificate")
@guarded(ENROLMENT)
def renew(body: RenewalRequest) -> dict[str, Any]:
    """One refusal for every reason; the log of config_server says which."""
    parts, nonce = services(), bytes.fromhex(body.nonce)
    signature = bytes.fromhex(body.signature)
    asked = renewal.RenewalRequest(body.device_id, body.serial, nonce, body.csr_pem, signature, source_address())
    with parts.store.writing() as tx:
        record = renewal.renew(tx, parts.signer, asked, parts.clock())
    log.info("certificate renewed", device_id=record.subject, serial=record.serial, source=asked.source)
    chain = record.certificate_pem + parts.signer.ca_pem.decode()
    return Renewed(certificate_pem=chain, serial=record.serial).model_dump(mode="json")
