"""What the servers say: receipts to cameras, registry facts and probes among themselves."""

from uuid import UUID

from pydantic import Field

from fleet.messages.message import Count, Message, Name, Ordinal, Part, UtcTime


class Receipt(Message):
    """What of one outbox is committed, as inclusive ranges of `seq`; the camera may forget exactly these."""

    outbox: UUID
    committed: list[tuple[Ordinal, Ordinal]] = Field(max_length=1000)
    server_ts: UtcTime

    def covers(self, seq: int) -> bool:
        """Say whether `seq` is committed."""
        return any(first <= seq <= last for first, last in self.committed)


class StreamFacts(Part):
    """What the registry allows for one stream; pictures stay on the camera unless somebody allowed them."""

    pictures: bool = False


class RegistryFacts(Message):
    """The registry's facts about a camera, from the courier to ingest."""

    name: str = Field(min_length=1, max_length=200)
    site_id: Name | None = None
    site_name: str | None = Field(default=None, max_length=200)
    time_zone: Name = "UTC"
    group: Name | None = None
    state: Name
    # Cut off, from its revocation until its re-enrolment; facts of 0.1.0 do not say.
    denied: bool = False
    streams: dict[Name, StreamFacts] = Field(default={}, max_length=64)


class Probe(Message):
    """Ingest's own message to itself through the broker: its age at commit is the ingest lag."""

    n: Count
