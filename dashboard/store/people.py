"""Users, their sessions and the record of logins."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from dashboard.store.database import Database, RowRefused
from dashboard.store.tables import audit, sessions, users

ACTION_MOST, NAME_MOST = 40, 80


@dataclass(frozen=True)
class User:
    """A person who may log in."""

    id: str
    name: str
    role: str
    password_hash: str


@dataclass(frozen=True)
class LoginRecord:
    """One line of the audit log: `action` is log-in, log-in-refused, log-out or password-reset."""

    at: datetime
    action: str
    user_name: str
    address: str | None = None
    request_id: str | None = None


class NameTaken(Exception):
    """There is a user of that name already."""


@dataclass(frozen=True)
class People:
    """Reads and writes people."""

    database: Database

    def count(self) -> int:
        """Return how many users there are."""
        with self.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(users)).scalar_one()

    def named(self, name: str) -> User | None:
        """Return the user of a name."""
        with self.database.reading() as connection:
            found = connection.execute(select(users).where(users.c.name == name)).mappings().first()
            return _user(found) if found else None

    def add(self, user: User, now: datetime) -> None:
        """Add a user; raises NameTaken, also when two processes add the same name at once."""
        row = {**user.__dict__, "created_at": now, "password_changed_at": now}
        try:
            with self.database.writing() as connection:
                connection.execute(insert(users), row)
        except RowRefused as error:
            raise NameTaken(user.name) from error

    def change_password(self, user: User, password_hash: str, now: datetime) -> None:
        """Replace a password and end every session of the user."""
        changed = {"password_hash": password_hash, "password_changed_at": now}
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(changed))
            connection.execute(delete(sessions).where(sessions.c.user_id == user.id))

    def open_session(self, token_hash: str, user: User, now: datetime, expires_at: datetime) -> None:
        """Add a session and forget those that have expired."""
        row = {"token_hash": token_hash, "user_id": user.id, "created_at": now, "expires_at": expires_at}
        with self.database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(insert(sessions), row)

    def of_session(self, token_hash: str, now: datetime) -> User | None:
        """Return whose session it is; None when there is none or it has expired."""
        query = (
            select(users)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now)
        )
        with self.database.reading() as connection:
            found = connection.execute(query).mappings().first()
            return _user(found) if found else None

    def close_session(self, token_hash: str) -> None:
        """End a session; one that is not there is no error."""
        with self.database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))

    def record(self, entry: LoginRecord) -> None:
        """Add a line to the audit log."""
        row = {**entry.__dict__, "action": entry.action[:ACTION_MOST], "user_name": entry.user_name[:NAME_MOST]}
        with self.database.writing() as connection:
            connection.execute(insert(audit), row)

    def recorded(self, limit: int = 100) -> list[LoginRecord]:
        """Return the newest lines of the audit log, newest first."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings()
            return [LoginRecord(**{name: value for name, value in row.items() if name != "id"}) for row in rows]


def _user(row: Any) -> User:
    return User(row["id"], row["name"], row["role"], row["password_hash"])
