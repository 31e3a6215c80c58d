"""The generated secrets of this host: made once, readable by their owner only."""

import base64
import secrets
from datetime import datetime
from pathlib import Path

from config_server.records import AuditEntry
from config_server.store.registry import Transaction
from config_server.tokens import EVERY_SCOPE, TokenKind, hash_of, new_token, record_of
from fleet.home import Home, write_file
from fleet.pki import new_seal_key
from fleet.settings import ServerSettings

ADMIN_TOKEN = "admin.token"  # noqa: S105  (a file's name)
SERVICE_TOKEN = "service.token"  # noqa: S105  (a file's name)
SEAL_KEY = "seal.key"
SESSION_KEY = "session.key"
INGEST_GROUP = "ingest.group"
# 120 bits: Mosquitto refuses nobody a shared subscription, so only who knows the group's name can join it.
GROUP_BYTES = 15

SYSTEM = "system:ca"


def make_missing_keys(settings: ServerSettings) -> list[str]:
    """Make every secret key that is not there yet; one line for each that was made."""
    wanted = {
        settings.ca_passphrase_file: secrets.token_urlsafe(32).encode(),
        settings.home.secret(SEAL_KEY): new_seal_key(),
        settings.home.secret(SESSION_KEY): secrets.token_urlsafe(48).encode(),
        settings.home.secret(INGEST_GROUP): base64.b32encode(secrets.token_bytes(GROUP_BYTES)).lower(),
    }
    missing = {path: content for path, content in wanted.items() if not path.exists()}
    for path, content in missing.items():
        write_file(path, content)
    return [f"made {path.name}" for path in missing]


def make_missing_tokens(tx: Transaction, home: Home, now: datetime) -> list[str]:
    """Make the admin's and the dashboard's token when missing, and see that the database knows both."""
    made = []
    for name, kind, label in (
        (ADMIN_TOKEN, TokenKind.API, "admin"),
        (SERVICE_TOKEN, TokenKind.SERVICE, "dashboard"),
    ):
        path = home.secret(name)
        if not path.exists():
            write_file(path, new_token(kind).encode())
        token = read_secret(path)
        # A token of an older release knows only that release's scopes.
        tx.api_tokens.widen(hash_of(token), EVERY_SCOPE)
        if tx.api_tokens.get(hash_of(token)) is None:
            tx.api_tokens.add(record_of(token, kind, label, now))
            tx.api_tokens.revoke_others(kind, label, hash_of(token), now)
            tx.audit.add(AuditEntry(now, SYSTEM, "token.made", None, {"kind": kind, "label": label}))
            made.append(f"made {name}")
    return made


def read_secret(path: Path) -> str:
    """A token from its file, without the line's end that an editor may have added."""
    return path.read_text().strip()
