"""Who is asking: an API token, or a person on whose behalf dashboard asks. Pure."""

import base64
import binascii
from collections.abc import Set
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from config_server.tokens import EVERY_SCOPE, OPERATING, READING, Scope

SCOPES_OF_ROLE: dict[str, Set[Scope]] = {
    "viewer": READING,
    "operator": OPERATING,
    "admin": EVERY_SCOPE,
}


class BadActor(Exception):
    """The Camfleet-Actor header is missing or not what dashboard writes."""


@dataclass(frozen=True)
class Actor:
    """A caller with rights. `sites` limits what is seen and changed; None means every site."""

    name: str
    scopes: frozenset[str]
    sites: frozenset[str] | None = None
    request_id: str | None = None

    def may_see(self, site_id: str | None) -> bool:
        """Say whether a device of this site is any of the actor's business."""
        return self.sites is None or site_id in self.sites


class _ActorHeader(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: str | int
    role: str
    site_ids: list[str] | None = None
    request_id: str | None = None


def actor_of_header(header: str) -> Actor:
    """Read base64url JSON {user_id, role, site_ids, request_id}; ids only, an unknown role has no rights."""
    try:
        text = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))
        read = _ActorHeader.model_validate_json(text)
    except (binascii.Error, ValueError, ValidationError) as error:
        raise BadActor("the Camfleet-Actor header is not base64url JSON of an actor") from error
    return Actor(
        name=f"user:{read.user_id}",
        scopes=frozenset(SCOPES_OF_ROLE.get(read.role, frozenset())),
        sites=None if read.site_ids is None else frozenset(read.site_ids),
        request_id=read.request_id,
    )
