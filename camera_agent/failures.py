"""The closed list of failures that a person can mend, and how they are told: one line, a non-zero exit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from camera_agent.capture.source import SourceFailed
from camera_agent.capture.spec import SourceUnknown
from camera_agent.delivery.outbox import OutboxUnwritable
from camera_agent.delivery.outbox_file import OutboxUnusable
from camera_agent.enrolment.enrol import AlreadyEnrolled
from camera_agent.enrolment.exchange import EnrolmentRefused, ServerNotTrusted, ServerUnreachable
from camera_agent.enrolment.identity import IdentityUnusable
from camera_agent.lock import AlreadyRunning
from camera_agent.vision.model import ModelRefused
from camera_agent.vision.nanodet import LabelUnknown
from fleet.cli import CommandFailed
from fleet.pki import NotAToken

MENDABLE = (
    AlreadyEnrolled,
    AlreadyRunning,
    EnrolmentRefused,
    IdentityUnusable,
    LabelUnknown,
    ModelRefused,
    NotAToken,
    OutboxUnusable,
    OutboxUnwritable,
    ServerNotTrusted,
    ServerUnreachable,
    SourceFailed,
    SourceUnknown,
)


@contextmanager
def as_sentences() -> Iterator[None]:
    """Everything else is a defect and keeps its traceback."""
    try:
        yield
    except MENDABLE as error:
        raise CommandFailed(str(error)) from None
