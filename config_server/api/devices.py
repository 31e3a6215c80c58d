"""Routes of the registry's devices: list, show, register with a token, hand out a bundle."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server.api.acting import bundle_files, current_change, ticket_of
from config_server.api.context import services
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.api.schemas import (
    Bundle,
    Device,
    DeviceCreated,
    DeviceList,
    DevicePath,
    DeviceQuery,
    EnrolmentTicket,
    NewDeviceRequest,
)
from config_server.enrolment import make_token
from config_server.guards import current_actor, guarded, needs
from config_server.provisioning import connection_of, make_bundle
from config_server.records import DeviceFilter
from config_server.registry import NewDevice, find_devices, get_device, register_device
from config_server.tokens import Scope

blueprint = APIBlueprint(
    "devices",
    __name__,
    url_prefix="/config/devices",
    abp_tags=[Tag(name="Devices", description=__doc__)],
    abp_security=TOKEN_SECURITY,
    abp_responses=problems(401, 403, 404, 409),
)


@blueprint.get("", responses={200: DeviceList}, summary="List devices")
@guarded(needs(Scope.DEVICES_READ))
def list_devices(query: DeviceQuery) -> dict[str, Any]:
    """Devices by id, page by page; only those on the caller's sites."""
    wanted = DeviceFilter(
        state=query.state,
        site_id=query.site,
        sites=current_actor().sites,
        after_device_id=query.cursor,
        limit=query.limit + 1,
        denied=query.denied,
        text=query.text,
    )
    with services().store.reading() as tx:
        found = find_devices(tx, wanted)
    page = [Device.of(view) for view in found[: query.limit]]
    cursor = page[-1].device_id if len(found) > query.limit else None
    return DeviceList(items=page, cursor=cursor).model_dump(mode="json")


@blueprint.get("/<string:device_id>", responses={200: Device}, summary="Show one device")
@guarded(needs(Scope.DEVICES_READ))
def show_device(path: DevicePath) -> dict[str, Any]:
    """The device with the certificate that it should be using."""
    with services().store.reading() as tx:
        view = get_device(tx, path.device_id, current_actor())
    return Device.of(view).model_dump(mode="json")


@blueprint.post("", responses={201: DeviceCreated}, summary="Register a device and make its enrolment token")
@guarded(needs(Scope.DEVICES_PROVISION))
def add_device(body: NewDeviceRequest) -> tuple[dict[str, Any], int]:
    """The token is in this answer only; the registry keeps no more than what recognises it."""
    parts, change = services(), current_change()
    with parts.store.writing() as tx:
        device = register_device(tx, NewDevice(body.name, body.device_id, body.site), change)
        life = parts.settings.enrolment_token_life
        made = make_token(tx, parts.prover, device.device_id, life, change)
        view = get_device(tx, device.device_id, change.actor)
    created = DeviceCreated(device=Device.of(view), enrolment=ticket_of(parts, made))
    return created.model_dump(mode="json"), 201


@blueprint.post(
    "/<string:device_id>/token", responses={201: EnrolmentTicket}, summary="Make a new enrolment token"
)
@guarded(needs(Scope.DEVICES_PROVISION))
def renew_token(path: DevicePath) -> tuple[dict[str, Any], int]:
    """For a camera whose token expired or was lost; an older unused token ends."""
    parts, change = services(), current_change()
    with parts.store.writing() as tx:
        device = get_device(tx, path.device_id, change.actor).device
        made = make_token(tx, parts.prover, device.device_id, parts.settings.enrolment_token_life, change)
    return ticket_of(parts, made).model_dump(mode="json"), 201


@blueprint.post("/<string:device_id>/bundle", responses={200: Bundle}, summary="Make key and certificate here")
@guarded(needs(Scope.DEVICES_WRITE))
def bundle_device(path: DevicePath) -> dict[str, Any]:
    """For bench and factory: the key is in this answer only, and the audit log says that it was handed out."""
    parts, change = services(), current_change()
    with parts.store.writing() as tx:
        device = get_device(tx, path.device_id, change.actor).device
        key, record = make_bundle(tx, parts.signer, device, change)
        files = bundle_files(device.device_id, key, record, connection_of(parts.settings, tx.devices.count()))
    return Bundle(files=files).model_dump(mode="json")
