"""API and service tokens: made from randomness, kept as hashes, compared in constant time. Pure but for `new_token`."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
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
    # Register, accept, reject, hand out enrolment tokens: what an operator does with new cameras.
    DEVICES_PROVISION = "devices:provision"
    # Everything else that changes a device: revoke, decommission, re-enrol, make bundles.
    DEVICES_WRITE = "devices:write"
    SITES_READ = "sites:read"
    SITES_WRITE = "sites:write"
    TOKENS_WRITE = "tokens:write"
    AUDIT_READ = "audit:read"
    CA_READ = "ca:read"


EVERY_SCOPE = frozenset(Scope)
READING = frozenset({Scope.DEVICES_READ, Scope.SITES_READ, Scope.CA_READ})
OPERATING = READING | {Scope.DEVICES_PROVISION}

# Who may do the more may do the less.
IMPLIED = {Scope.DEVICES_WRITE: frozenset({Scope.DEVICES_PROVISION})}

PUBLIC_ID_LENGTH = 12
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


def public_id_of(sha256: str) -> str:
    """What a token is called in lists and addresses; of no use to whoever wants to guess it."""
    return sha256[:PUBLIC_ID_LENGTH]


def with_implied(scopes: Iterable[str]) -> frozenset[str]:
    """These scopes and all that they include."""
    given = frozenset(scopes)
    return given.union(*(less for more, less in IMPLIED.items() if more in given))


def is_usable(record: ApiTokenRecord, token: str, now: datetime) -> bool:
    """Say whether `token` is the recorded one, of the kind that its prefix says, neither revoked nor expired."""
    same = hmac.compare_digest(record.sha256, hash_of(token))
    living = record.revoked_at is None and (record.expires_at is None or now < record.expires_at)
    return same and living and token.startswith(PREFIXES[TokenKind(record.kind)])
