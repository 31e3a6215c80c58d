"""Routes of accept-on-sight: a camera asks and collects, a person who compared its code decides."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server import sightings
from config_server.api.acting import current_change, enrolled_answer
from config_server.api.context import services, source_address
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.api.schemas import Device, Enrolled
from config_server.api.sighting_schemas import (
    AcceptRequest,
    CollectRequest,
    Sighted,
    SightingItem,
    SightingList,
    SightingPath,
    SightingRequest,
    Waiting,
)
from config_server.guards import ENROLMENT, guarded, needs
from config_server.registry import NewDevice, get_device
from config_server.tokens import Scope
from fleet.logs import get_logger
from fleet.pki import read_code

log = get_logger(__name__)

blueprint = APIBlueprint(
    "sightings",
    __name__,
    url_prefix="/config/sightings",
    abp_tags=[Tag(name="Accept-on-sight", description=__doc__)],
)

_OPEN = problems(403, 429)
_KEPT = problems(401, 403, 404, 409)


@blueprint.post("", responses={200: Sighted, **_OPEN}, summary="Ask to be let in")
@guarded(ENROLMENT)
def ask(body: SightingRequest) -> dict[str, Any]:
    """For a camera without a token: it shows a code, and a person compares it with the one on the page."""
    parts = services()
    asker = sightings.Asker(body.csr_pem, body.name_wish, source_address())
    with parts.store.writing() as tx:
        sighting = _reception().sight(tx, asker, parts.clock())
    log.info("a camera asks to be let in", code=sighting.code, name_wish=sighting.name_wish, source=asker.source)
    return Sighted(code=sighting.code, root_pem=parts.prover.root_pem.decode()).model_dump(mode="json")


@blueprint.post(
    "/collect", responses={200: Enrolled, 202: Waiting, **_OPEN}, summary="Collect the certificate once accepted"
)
@guarded(ENROLMENT)
def collect(body: CollectRequest) -> tuple[dict[str, Any], int]:
    """202 while nobody has decided; the same answer again when the first one was lost."""
    parts, now = services(), services().clock()
    asker = sightings.Asker(body.csr_pem, "", source_address())
    with parts.store.reading() as tx:
        waits = _reception().is_waiting(tx, asker, now)
    if waits:
        return Waiting().model_dump(mode="json"), 202
    with parts.store.writing() as tx:
        record = _reception().collect(tx, asker, now)
        answer = enrolled_answer(tx, record, now)
    log.info("device enrolled", device_id=record.subject, serial=record.serial, source=asker.source)
    return answer.model_dump(mode="json"), 200


@blueprint.get(
    "", responses={200: SightingList, **_KEPT}, security=TOKEN_SECURITY, summary="List cameras that ask to be let in"
)
@guarded(needs(Scope.DEVICES_PROVISION))
def list_waiting() -> dict[str, Any]:
    """Those that nobody has decided on, the oldest first. They stand on no site yet."""
    with services().store.reading() as tx:
        found = [SightingItem.of(record) for record in tx.sightings.waiting(services().clock())]
    return SightingList(items=found).model_dump(mode="json")


@blueprint.post(
    "/<string:code>/accept", responses={200: Device, **_KEPT}, security=TOKEN_SECURITY, summary="Let a camera in"
)
@guarded(needs(Scope.DEVICES_PROVISION))
def accept(path: SightingPath, body: AcceptRequest) -> dict[str, Any]:
    """Only after comparing the whole code with the one on the camera: it covers both its key and our root."""
    change = current_change()
    with services().store.writing() as tx:
        new = NewDevice(body.name, body.device_id, body.site)
        device = sightings.accept_sighting(tx, read_code(path.code), new, change)
        view = get_device(tx, device.device_id, change.actor)
    return Device.of(view).model_dump(mode="json")


@blueprint.post(
    "/<string:code>/reject", responses={204: None, **_KEPT}, security=TOKEN_SECURITY, summary="Turn a camera away"
)
@guarded(needs(Scope.DEVICES_PROVISION))
def reject(path: SightingPath) -> tuple[str, int]:
    """It is told so when it asks again."""
    with services().store.writing() as tx:
        sightings.reject_sighting(tx, read_code(path.code), current_change())
    return "", 204


def _reception() -> sightings.Reception:
    return sightings.Reception(services().prover.root_pem, services().signer)
