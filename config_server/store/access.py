"""Read and write API tokens, as hashes."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from config_server.records import ApiTokenRecord
from config_server.store.conflict import insert_new
from config_server.store.tables import api_tokens


class ApiTokens:
    """The api_tokens table within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: ApiTokenRecord) -> None:
        """Insert a token's hash; AlreadyThere when it is known."""
        sites = None if token.sites is None else sorted(token.sites)
        values = asdict(token) | {"scopes": sorted(token.scopes), "sites": sites}
        insert_new(self._connection, insert(api_tokens).values(**values))

    def get(self, sha256: str) -> ApiTokenRecord | None:
        """The token with this hash, or None."""
        row = self._connection.execute(select(api_tokens).where(api_tokens.c.sha256 == sha256)).first()
        return None if row is None else _token(row)

    def of_kind(self, kind: str) -> Sequence[ApiTokenRecord]:
        """Every token of a kind, newest first, revoked and expired ones too."""
        wanted = select(api_tokens).where(api_tokens.c.kind == kind)
        rows = self._connection.execute(wanted.order_by(api_tokens.c.created_at.desc(), api_tokens.c.sha256))
        return [_token(row) for row in rows]

    def widen(self, sha256: str, scopes: Iterable[str]) -> None:
        """Give a token these scopes."""
        which = update(api_tokens).where(api_tokens.c.sha256 == sha256)
        self._connection.execute(which.values(scopes=sorted(scopes)))

    def revoke(self, sha256: str, now: datetime) -> None:
        """End a token."""
        which = (api_tokens.c.sha256 == sha256) & api_tokens.c.revoked_at.is_(None)
        self._connection.execute(update(api_tokens).where(which).values(revoked_at=now))

    def revoke_others(self, kind: str, label: str, keep_sha256: str, now: datetime) -> None:
        """Revoke every other token of this kind and label: a newly generated one replaces them."""
        same = (api_tokens.c.kind == kind) & (api_tokens.c.label == label)
        others = same & (api_tokens.c.sha256 != keep_sha256) & api_tokens.c.revoked_at.is_(None)
        self._connection.execute(update(api_tokens).where(others).values(revoked_at=now))


def _token(row: Row[Any]) -> ApiTokenRecord:
    return ApiTokenRecord(
        sha256=row.sha256,
        kind=row.kind,
        label=row.label,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        sites=None if row.sites is None else frozenset(row.sites),
        expires_at=row.expires_at,
    )
