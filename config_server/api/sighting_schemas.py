"""What the routes of accept-on-sight take and give."""

from typing import Self

from pydantic import BaseModel, Field

from config_server.api.schemas import Given, Name, SiteId, WireTime
from config_server.records import SightingRecord
from fleet.pki import in_groups

POLL_AFTER_S = 5


class SightingRequest(Given):
    """A request for the key that the camera has just made, and how it would like to be called."""

    csr_pem: str = Field(max_length=16384)
    name_wish: Name


class Sighted(BaseModel):
    """The camera works the code out for itself, from this root and its own key, and shows that."""

    code: str
    root_pem: str
    poll_after_s: int = POLL_AFTER_S


class CollectRequest(Given):
    """The same request again: its signature shows that the asker holds the key."""

    csr_pem: str = Field(max_length=16384)


class Waiting(BaseModel):
    """Nobody has decided yet: ask again after `poll_after_s`."""

    poll_after_s: int = POLL_AFTER_S


class SightingItem(BaseModel):
    """A camera that waits to be let in. Compare all of `shown` with what the camera shows."""

    code: str = Field(examples=["7K2Q9DABCDEF"])
    shown: str = Field(description="the code in groups of four", examples=["7K2Q-9DAB-CDEF"])
    name_wish: str
    source: str | None
    seen_at: WireTime
    expires_at: WireTime

    @classmethod
    def of(cls, record: SightingRecord) -> Self:
        """What of a record is shown."""
        return cls(
            code=record.code,
            shown=in_groups(record.code),
            name_wish=record.name_wish,
            source=record.source,
            seen_at=record.seen_at,
            expires_at=record.expires_at,
        )


class SightingList(BaseModel):
    """Every camera that waits to be let in."""

    items: list[SightingItem]


class SightingPath(Given):
    """One camera by the code that it shows; dashes and case do not matter."""

    code: str = Field(pattern=r"^[0-9A-Za-z-]{12,20}$")


class AcceptRequest(Given):
    """Who the camera is from now on; without `device_id` one is made from the name."""

    name: Name
    device_id: str | None = Field(default=None, max_length=64, examples=["cam-front-gate"])
    site: SiteId | None = None
