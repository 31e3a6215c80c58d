"""What the routes of API tokens take and give."""

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, Field

from config_server.api.schemas import AnyId, Given, Name, SiteId, WireTime
from config_server.records import ApiTokenRecord
from config_server.token_keeping import NewToken
from config_server.tokens import Scope, public_id_of


class NewTokenRequest(Given):
    """What a token is for; without `sites` it reaches every site that you reach, without `days` it lives for ever."""

    label: Name = Field(examples=["grafana"])
    scopes: frozenset[Scope] = Field(min_length=1, examples=[["devices:read"]])
    sites: frozenset[SiteId] | None = Field(default=None, examples=[["north-yard"]])
    days: int | None = Field(default=None, ge=1, le=3650)

    def wanted(self) -> NewToken:
        """The same for the use case."""
        life = None if self.days is None else timedelta(days=self.days)
        return NewToken(self.label, self.scopes, self.sites, life)


class TokenItem(BaseModel):
    """An API token without the token."""

    id: str
    label: str
    scopes: list[str]
    sites: list[str] | None
    created_at: WireTime
    expires_at: WireTime | None
    revoked_at: WireTime | None

    @classmethod
    def of(cls, record: ApiTokenRecord) -> Self:
        """What of a record is shown."""
        return cls(
            id=public_id_of(record.sha256),
            label=record.label,
            scopes=sorted(record.scopes),
            sites=None if record.sites is None else sorted(record.sites),
            created_at=record.created_at,
            expires_at=record.expires_at,
            revoked_at=record.revoked_at,
        )


class TokenMade(TokenItem):
    """The token in the clear: shown here and never again."""

    token: str


class TokenList(BaseModel):
    """Every API token that the caller may manage."""

    items: list[TokenItem]


class TokenPath(Given):
    """One token by its public id."""

    token_id: AnyId
