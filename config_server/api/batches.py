"""Routes of the preauthorised list: a CSV of names in, tokens or ready bundles out."""

from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models import RawModel
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from config_server.api.acting import bundle_files, current_change
from config_server.api.context import services
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.batch import MOST_BUNDLES, MOST_LINES, bundle_batch, read_batch, register_batch, write_tokens
from config_server.guards import guarded, needs
from config_server.provisioning import connection_of
from config_server.tokens import Scope

# A thousand names of some length; what nginx lets through.
MAX_LIST_BYTES = 256 * 1024

blueprint = APIBlueprint(
    "batches",
    __name__,
    url_prefix="/config/devices/batch",
    abp_tags=[Tag(name="Batches", description=__doc__)],
    abp_security=TOKEN_SECURITY,
    abp_responses=problems(401, 403, 404, 409),
)


class BatchFile(RawModel):
    """One camera a line: its name, or its name and its site's id."""

    mimetypes: list[str] = ["text/csv"]  # noqa: RUF012  (the library wants it so)


class BatchBundle(BaseModel):
    """One camera's files, its key too: handed out once, never stored."""

    device_id: str
    name: str
    files: dict[str, str]


class BatchBundles(BaseModel):
    """A bundle for every line of the list."""

    items: list[BatchBundle]


_CSV: dict[Any, Any] = {
    201: {
        "description": "a token for every line: shown here and never again",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "device_id,name,token\ncam-front-gate-x7k2,Front gate,7K2Q9D.ABCD-EFGH-JKMN-PQRS\n",
            }
        },
    }
}


@blueprint.post("", responses=_CSV, summary="Register up to a thousand cameras and make their tokens")
@guarded(needs(Scope.DEVICES_PROVISION))
def post_list(raw: BatchFile) -> Response:  # noqa: ARG001 (read below, with the list's own limit)
    """All or none: the first line that is wrong is named and nothing is registered."""
    parts, change = services(), current_change()
    lines = read_batch(_content(), MOST_LINES)
    with parts.store.writing() as tx:
        made = register_batch(tx, parts.prover, lines, parts.settings.enrolment_token_life, change)
    return Response(write_tokens(made), 201, content_type="text/csv; charset=utf-8")


@blueprint.post("/bundles", responses={201: BatchBundles}, summary="Register cameras and make their files here")
@guarded(needs(Scope.DEVICES_WRITE))
def post_list_for_bundles(raw: BatchFile) -> tuple[dict[str, Any], int]:  # noqa: ARG001 (read below)
    """For bench and factory, up to a hundred at once, all or none: the keys are in this answer only."""
    parts, change = services(), current_change()
    lines = read_batch(_content(), MOST_BUNDLES)
    with parts.store.writing() as tx:
        made = bundle_batch(tx, parts.signer, lines, change)
        connection = connection_of(parts.settings, tx.devices.count())
    items = [
        BatchBundle(
            device_id=bundle.device.device_id,
            name=bundle.device.name,
            files=bundle_files(bundle.device.device_id, bundle.key, bundle.certificate, connection),
        )
        for bundle in made
    ]
    return BatchBundles(items=items).model_dump(mode="json"), 201


def _content() -> bytes:
    request.max_content_length = MAX_LIST_BYTES
    return request.get_data(cache=False)
