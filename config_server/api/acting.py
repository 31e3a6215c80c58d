"""What routes that change something share: who changes it, and the ticket by which a camera enrols."""

from config_server.api.context import Services, services, source_address
from config_server.api.schemas import EnrolmentTicket
from config_server.enrolment import MadeToken
from config_server.guards import current_actor
from config_server.provisioning import enrol_command
from config_server.registry import Change


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
