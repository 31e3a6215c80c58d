"""Routes that show what was signed: certificates by their end, and the authorities that signed them."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server.api.certificate_schemas import (
    AuthoritiesInfo,
    CertificateItem,
    CertificateList,
    CertificateQuery,
    cursor_of,
)
from config_server.api.context import services
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.guards import current_actor, guarded, needs
from config_server.registry import get_device
from config_server.tokens import Scope

blueprint = APIBlueprint(
    "certificates",
    __name__,
    url_prefix="/config",
    abp_tags=[Tag(name="Certificates", description=__doc__)],
    abp_security=TOKEN_SECURITY,
    abp_responses=problems(401, 403, 404),
)


@blueprint.get("/certificates", responses={200: CertificateList}, summary="List devices' certificates by expiry")
@guarded(needs(Scope.DEVICES_READ))
def list_certificates(query: CertificateQuery) -> dict[str, Any]:
    """Those that end first first. `due_before` leaves out revoked ones; `device` shows everything of one device."""
    actor = current_actor()
    with services().store.reading() as tx:
        if query.device is not None:
            get_device(tx, query.device, actor)
        found = tx.certificates.find(query.wanted(actor.sites))
    page = [CertificateItem.of(record) for record in found[: query.limit]]
    cursor = cursor_of(page[-1]) if len(found) > query.limit else None
    return CertificateList(items=page, cursor=cursor).model_dump(mode="json")


@blueprint.get("/ca", responses={200: AuthoritiesInfo}, summary="Show the root and every CRL's state")
@guarded(needs(Scope.CA_READ))
def show_authorities() -> dict[str, Any]:
    """Compare the root's fingerprint with what 'camfleet ca show' prints on the host."""
    parts = services()
    with parts.store.reading() as tx:
        crls = tx.crls.all()
    return AuthoritiesInfo.of(parts.prover.root_pem, parts.signer.ca_pem, crls).model_dump(mode="json")
