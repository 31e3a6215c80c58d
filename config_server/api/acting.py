"""What routes that change something share: who changes it, and what a camera is given to enrol and when enrolled."""

from datetime import datetime

from config_server.api.context import Services, services, source_address
from config_server.api.schemas import Enrolled, EnrolmentTicket
from config_server.enrolment import MadeToken
from config_server.guards import current_actor
from config_server.provisioning import Connection, agent_toml, connection_of, enrol_command
from config_server.records import CertificateRecord
from config_server.registry import Change
from config_server.store.registry import Transaction


def current_change() -> Change:
    """Who asks, from where, and when."""
    return Change(current_actor(), source_address(), services().clock())


def ticket_of(parts: Services, made: MadeToken) -> EnrolmentTicket:
    """A fresh token with the one command to run on the camera."""
    return EnrolmentTicket(
        token=str(made.token),
        token_id=made.token.public_id,
        expires_at=made.expires_at,
        command=enrol_command(parts.settings, made.token),
    )


def enrolled_answer(tx: Transaction, record: CertificateRecord, now: datetime) -> Enrolled:
    """Everything that a camera needs from now on."""
    parts = services()
    return Enrolled(
        device_id=record.subject,
        certificate_pem=record.certificate_pem + parts.signer.ca_pem.decode(),
        root_pem=parts.prover.root_pem.decode(),
        server_time=now,
        **vars(connection_of(parts.settings, parts.fleet_size.at(tx, now))),
    )


def bundle_files(
    device_id: str, key: bytes, certificate: CertificateRecord, connection: Connection
) -> dict[str, str]:
    """A camera's whole folder, by file name."""
    parts = services()
    return {
        "key.pem": key.decode(),
        "certificate.pem": certificate.certificate_pem + parts.signer.ca_pem.decode(),
        "ca.pem": parts.prover.root_pem.decode(),
        "agent.toml": agent_toml(device_id, connection),
    }
