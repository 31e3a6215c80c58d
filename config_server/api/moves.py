"""Routes by which a person moves a device through its life: accept, reject, revoke, decommission, re-enrol."""

from collections.abc import Callable
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server import moves
from config_server.api.acting import current_change, ticket_of
from config_server.api.context import services
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.api.schemas import Cutoff, Device, DevicePath, EnrolmentTicket
from config_server.guards import current_actor, guarded, needs
from config_server.registry import Change, Unknown, get_device
from config_server.store.registry import Transaction
from config_server.tokens import Scope

blueprint = APIBlueprint(
    "moves",
    __name__,
    url_prefix="/config/devices/<string:device_id>",
    abp_tags=[Tag(name="Life of a device", description=__doc__)],
    abp_security=TOKEN_SECURITY,
    abp_responses=problems(401, 403, 404, 409),
)


@blueprint.post("/accept", responses={200: Device}, summary="Accept a pending device")
@guarded(needs(Scope.DEVICES_PROVISION))
def accept(path: DevicePath) -> dict[str, Any]:
    """It is a member from now on; its certificate comes when it enrols."""
    return _move(moves.accept, path.device_id)


@blueprint.post("/reject", responses={200: Device}, summary="Reject a pending device")
@guarded(needs(Scope.DEVICES_PROVISION))
def reject(path: DevicePath) -> dict[str, Any]:
    """Its enrolment token ends."""
    return _move(moves.reject, path.device_id)


@blueprint.post("/revoke", responses={200: Device}, summary="Cut a device off now")
@guarded(needs(Scope.DEVICES_WRITE))
def revoke(path: DevicePath) -> dict[str, Any]:
    """Every certificate of it is revoked; the courier closes its connection within seconds (see its cut-off)."""
    return _move(moves.revoke, path.device_id)


@blueprint.post("/decommission", responses={200: Device}, summary="Take a device out of the fleet for good")
@guarded(needs(Scope.DEVICES_WRITE))
def decommission(path: DevicePath) -> dict[str, Any]:
    """It is cut off; its name becomes free, its id is never given again."""
    return _move(moves.decommission, path.device_id)


@blueprint.post("/re-enrol", responses={201: EnrolmentTicket}, summary="Let a device enrol again")
@guarded(needs(Scope.DEVICES_WRITE))
def re_enrol(path: DevicePath) -> tuple[dict[str, Any], int]:
    """The only way back after a revocation, once its older certificates are worth nothing (409 before that)."""
    parts, change = services(), current_change()
    with parts.store.writing() as tx:
        life = parts.settings.enrolment_token_life
        made = moves.re_enrol(tx, parts.prover, path.device_id, life, change)
    return ticket_of(parts, made).model_dump(mode="json"), 201


@blueprint.get("/cutoff", responses={200: Cutoff}, summary="Show how far the newest cut-off of a device is")
@guarded(needs(Scope.DEVICES_READ))
def show_cutoff(path: DevicePath) -> dict[str, Any]:
    """404 for a device that was never cut off."""
    with services().store.reading() as tx:
        device = get_device(tx, path.device_id, current_actor()).device
        newest = tx.cutoffs.newest_of(device.device_id)
    if newest is None:
        raise Unknown(f"{path.device_id} was never cut off")
    return Cutoff.of(newest).model_dump(mode="json")


def _move(make: Callable[[Transaction, str, Change], None], device_id: str) -> dict[str, Any]:
    change = current_change()
    with services().store.writing() as tx:
        make(tx, device_id, change)
        view = get_device(tx, device_id, change.actor)
    return Device.of(view).model_dump(mode="json")
