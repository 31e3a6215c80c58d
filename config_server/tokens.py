"""API and service tokens: made from randomness, kept as hashes, compared in constant time. Pure but for `new_token`."""

import hashlib
import hmac
import secrets
from datetime import datetime
from enum import StrEnum

from config_server.records import ApiTokenRecord


class TokenKind(StrEnum):
    """Whose token it is; the prefix tells a leaked one's kind at a glance."""

    API = "api"
    SERVICE = "service"


class Scope(StrEnum):
    """What an API token may do."""

    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    SITES_READ = "sites:read"
    SITES_WRITE = "sites:write"


EVERY_SCOPE = frozenset(Scope)
READING = frozenset({Scope.DEVICES_READ, Scope.SITES_READ})

PREFIXES = {TokenKind.API: "cfa_", TokenKind.SERVICE: "cfs_"}


def new_token(kind: TokenKind) -> str:
    """A fresh token of 256 random bits."""
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What the database keeps; a random token needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def record_of(token: str, kind: TokenKind, label: str, now: datetime) -> ApiTokenRecord:
    """The record of a token that may do everything that its kind allows."""
    return ApiTokenRecord(hash_of(token), kind, label, EVERY_SCOPE, now)


def is_usable(record: ApiTokenRecord, token: str) -> bool:
    """Say whether `token` is the recorded one, of the kind that its prefix says, and not revoked."""
    same = hmac.compare_digest(record.sha256, hash_of(token))
    return same and record.revoked_at is None and token.startswith(PREFIXES[TokenKind(record.kind)])
