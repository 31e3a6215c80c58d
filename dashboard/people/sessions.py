"""Sessions that live in the store: the browser holds a random token, the store only its hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.people.attempts import WINDOW, TooManyAttempts, has_tried_enough
from dashboard.people.passwords import is_password
from dashboard.store.people import LOG_IN_REFUSED, LoginRecord, People, User

COOKIE = "camfleet_session"
LIFE = timedelta(days=7)


@dataclass(frozen=True)
class Visitor:
    """Where a login came from, for the audit log."""

    address: str | None
    request_id: str | None


@dataclass(frozen=True)
class Sessions:
    """Log in, recognise, log out."""

    people: People

    def log_in(self, name: str, password: str, visitor: Visitor, now: datetime) -> str | None:
        """Return a fresh session's token; None when name or password is wrong, without saying which.

        Raises TooManyAttempts before the password is looked at.
        """
        if has_tried_enough(visitor.address, self.people.refused_since(now - WINDOW)):
            raise TooManyAttempts
        user = self.people.named(name)
        accepted = is_password(password, user.password_hash if user else None)
        action = "log-in" if accepted else LOG_IN_REFUSED
        self.people.record(LoginRecord(now, action, name, visitor.address, visitor.request_id))
        if user is None or not accepted:
            return None
        token = secrets.token_urlsafe(32)
        self.people.open_session(hash_token(token), user, now, now + LIFE)
        return token

    def user_of(self, token: str | None, now: datetime) -> User | None:
        """Return who holds a token."""
        return self.people.of_session(hash_token(token), now) if token else None

    def log_out(self, token: str, user: User, visitor: Visitor, now: datetime) -> None:
        """End the session."""
        self.people.close_session(hash_token(token))
        self.people.record(LoginRecord(now, "log-out", user.name, visitor.address, visitor.request_id))


def hash_token(token: str) -> str:
    """Return what the store keeps of a token; it is random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
