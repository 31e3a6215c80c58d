"""Users, their sessions and the record of what people did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from dashboard.store.audit import AuditLog
from dashboard.store.database import Database, RowRefused
from dashboard.store.tables import audit, sessions, users

ACTION_MOST, NAME_MOST, DETAIL_MOST = 40, 80, 200
LOG_IN_REFUSED = "log-in-refused"


@dataclass(frozen=True)
class User:
    """A person who may log in. `site_ids` limits what is seen; None means every site."""

    id: str
    name: str
    role: str
    password_hash: str
    site_ids: frozenset[str] | None = None

    def may_see(self, site_id: str | None) -> bool:
        """Say whether something of this site is any of the person's business."""
        return self.site_ids is None or site_id in self.site_ids


@dataclass(frozen=True)
class LoginRecord:
    """One line of the audit log: who did what; `detail` says to whom or what it was done."""

    at: datetime
    action: str
    user_name: str
    address: str | None = None
    request_id: str | None = None
    detail: str | None = None


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

    def all(self) -> list[tuple[User, datetime]]:
        """Return every user with the time of joining, by name."""
        with self.database.reading() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).mappings()
            return [(_user(row), row["created_at"]) for row in rows]

    def named(self, name: str) -> User | None:
        """Return the user of a name."""
        with self.database.reading() as connection:
            found = connection.execute(select(users).where(users.c.name == name)).mappings().first()
            return _user(found) if found else None

    def get(self, user_id: str) -> User | None:
        """Return the user of an id."""
        with self.database.reading() as connection:
            found = connection.execute(select(users).where(users.c.id == user_id)).mappings().first()
            return _user(found) if found else None

    def add(self, user: User, now: datetime) -> None:
        """Add a user; raises NameTaken, also when two processes add the same name at once."""
        row = {**user.__dict__, "site_ids": _listed(user), "created_at": now, "password_changed_at": now}
        try:
            with self.database.writing() as connection:
                connection.execute(insert(users), row)
        except RowRefused as error:
            raise NameTaken(user.name) from error

    def change_rights(self, user: User) -> None:
        """Keep the user's role and sites; open sessions have them from their next request on."""
        changed = {"role": user.role, "site_ids": _listed(user)}
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(changed))

    def remove(self, user: User) -> None:
        """Remove a user and end every session of theirs; what they did stays on record."""
        with self.database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
            connection.execute(delete(users).where(users.c.id == user.id))

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
        row = {
            **entry.__dict__,
            "action": entry.action[:ACTION_MOST],
            "user_name": entry.user_name[:NAME_MOST],
            "detail": entry.detail[:DETAIL_MOST] if entry.detail else None,
        }
        with self.database.writing() as connection:
            AuditLog(connection).append(row)

    def refused_since(self, moment: datetime) -> dict[str | None, int]:
        """Return how many logins were refused after a moment, by address."""
        query = (
            select(audit.c.address, func.count())
            .where(audit.c.at > moment, audit.c.action == LOG_IN_REFUSED)
            .group_by(audit.c.address)
        )
        with self.database.reading() as connection:
            return {address: count for address, count in connection.execute(query)}

    def recorded(self, limit: int = 100) -> list[LoginRecord]:
        """Return the newest lines of the audit log, newest first."""
        return [entry for _, entry in self.recorded_with_ids(limit)]

    def recorded_with_ids(self, limit: int, below: int | None = None) -> list[tuple[int, LoginRecord]]:
        """Return lines of the audit log with their numbers, newest first; `below` is where the last page ended."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if below is not None:
            query = query.where(audit.c.id < below)
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings()
            return [(row["id"], _record(row)) for row in rows]


def _user(row: Any) -> User:
    sites = row["site_ids"]
    rights = None if sites is None else frozenset(sites)
    return User(row["id"], row["name"], row["role"], row["password_hash"], rights)


def _listed(user: User) -> list[str] | None:
    return None if user.site_ids is None else sorted(user.site_ids)


def _record(row: Any) -> LoginRecord:
    names = LoginRecord.__dataclass_fields__
    return LoginRecord(**{name: row[name] for name in names})
