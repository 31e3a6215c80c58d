"""What is said over MQTT: versioned, validated at both ends, tolerant of fields that a reader does not know."""

from fleet.messages.backfill import Backfill, BackfillItem, pack_backfill
from fleet.messages.camera import (
    Birth,
    Health,
    ModelInfo,
    Presence,
    PresenceState,
    StreamHealth,
    StreamInfo,
    StreamState,
    StreamStatus,
)
from fleet.messages.event import Change, Event
from fleet.messages.message import VERSION, MalformedMessage, Message, to_wire_time
from fleet.messages.reason import Reason
from fleet.messages.renewal import AnswerKind, CertificateAnswer, Csr, CsrKind
from fleet.messages.server import Probe, Receipt, RegistryFacts, StreamFacts

__all__ = [
    "VERSION",
    "AnswerKind",
    "Backfill",
    "BackfillItem",
    "Birth",
    "CertificateAnswer",
    "Change",
    "Csr",
    "CsrKind",
    "Event",
    "Health",
    "MalformedMessage",
    "Message",
    "ModelInfo",
    "Presence",
    "PresenceState",
    "Probe",
    "Reason",
    "Receipt",
    "RegistryFacts",
    "StreamFacts",
    "StreamHealth",
    "StreamInfo",
    "StreamState",
    "StreamStatus",
    "pack_backfill",
    "to_wire_time",
]
