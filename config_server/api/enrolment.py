"""Routes by which a camera becomes a member: the server's proof, then token and CSR for a certificate."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server import enrolment
from config_server.api.acting import enrolled_answer
from config_server.api.context import services, source_address
from config_server.api.documented import problems
from config_server.api.schemas import Enrolled, EnrolmentRequest, Proof, ProofRequest
from config_server.guards import ENROLMENT, guarded
from fleet.logs import get_logger

log = get_logger(__name__)

blueprint = APIBlueprint(
    "enrolment",
    __name__,
    url_prefix="/config/enrol",
    abp_tags=[Tag(name="Enrolment", description=__doc__)],
    abp_responses=problems(403, 429),
)


@blueprint.post("/proof", responses={200: Proof}, summary="Have the server prove that it knows a token")
@guarded(ENROLMENT)
def prove(body: ProofRequest) -> dict[str, Any]:
    """Ask this before sending the token: a server that does not know it cannot answer."""
    parts = services()
    with parts.store.reading() as tx:
        proof = parts.prover.prove(tx, body.token_id.upper(), bytes.fromhex(body.nonce), parts.clock())
    return Proof(root_pem=parts.prover.root_pem.decode(), proof=proof.hex()).model_dump(mode="json")


@blueprint.post("", responses={200: Enrolled}, summary="Exchange a one-time token and a CSR for a certificate")
@guarded(ENROLMENT)
def enrol(body: EnrolmentRequest) -> dict[str, Any]:
    """The identity is the token's device, whatever the CSR's subject says."""
    parts, now = services(), services().clock()
    applicant = enrolment.Applicant(body.token, body.csr_pem, source_address())
    with parts.store.reading() as tx:
        prepared = enrolment.prepare(tx, parts.signer, applicant, now)
        answer = enrolled_answer(tx, prepared.certificate, now)
    parts.enrolments.write(lambda tx: enrolment.enrol(tx, prepared, applicant.source, now))
    record = prepared.certificate
    log.info("device enrolled", device_id=record.subject, serial=record.serial, source=applicant.source)
    return answer.model_dump(mode="json")
