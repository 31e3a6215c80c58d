"""Keep the newest revocation lists at hand: everybody asks for them, they are large, and they change once an hour."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from config_server.store.registry import Transaction


@dataclass(frozen=True)
class ServedCrl:
    """A list as it is handed out; `etag` changes with every list."""

    version: tuple[int, datetime]
    der: bytes = field(repr=False)
    etag: str


@dataclass(frozen=True)
class CrlShelf:
    """One list of each issuer in memory; the database is asked each time whether it is still the newest."""

    _lists: dict[str, ServedCrl] = field(default_factory=dict)

    def newest(self, tx: Transaction, issuer_ski: str) -> ServedCrl | None:
        """The newest list of an issuer, or None when it is none of ours."""
        version = tx.crls.version_of(issuer_ski)
        kept = self._lists.get(issuer_ski)
        if version is None or (kept is not None and kept.version == version):
            return kept if version else None
        record = tx.crls.get(issuer_ski)
        if record is None:
            return None
        fresh = ServedCrl((record.number, record.this_update), record.der, hashlib.sha256(record.der).hexdigest())
        self._lists[issuer_ski] = fresh
        return fresh
