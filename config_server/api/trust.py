"""Routes for everybody: the root that cameras trust, and the revocation lists. Both are signed by their content."""

import hashlib

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server.api.context import services
from config_server.api.documented import problems
from config_server.api.schemas import CrlPath
from config_server.guards import OPEN, guarded
from config_server.registry import Unknown

CRL_MAX_AGE_S = 300
ROOT_MAX_AGE_S = 86400

blueprint = APIBlueprint(
    "trust", __name__, abp_tags=[Tag(name="Trust", description=__doc__)], abp_responses=problems(404, 429)
)


@blueprint.get("/crl/<string:ski>.crl", summary="The newest revocation list of an issuer (DER)")
@guarded(OPEN)
def revocation_list(path: CrlPath) -> Response:
    """With an ETag: whoever asks again gets it only when a new one was signed."""
    parts = services()
    with parts.store.reading() as tx:
        crl = parts.crl_shelf.newest(tx, path.ski)
    if crl is None:
        raise Unknown("no CA of ours has this subject key identifier")
    return _cached(crl.der, crl.etag, "application/pkix-crl", CRL_MAX_AGE_S)


@blueprint.get("/ca/root.pem", summary="The root that cameras trust (PEM)")
@guarded(OPEN)
def root() -> Response:
    """Compare its fingerprint with the one that 'camfleet ca show' prints."""
    root_pem = services().prover.root_pem
    return _cached(root_pem, hashlib.sha256(root_pem).hexdigest(), "application/x-pem-file", ROOT_MAX_AGE_S)


def _cached(content: bytes, etag: str, content_type: str, max_age_s: int) -> Response:
    response = Response(content, content_type=content_type)
    response.set_etag(etag)
    response.cache_control.public = True
    response.cache_control.max_age = max_age_s
    response.make_conditional(request)
    return response
