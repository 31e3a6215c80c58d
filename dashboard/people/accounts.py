"""Make people, change what they may do, give them new passwords, and take them out again; each step is on record."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.people.passwords import generate_password, hash_password
from dashboard.store.people import NAME_MOST, LoginRecord, NameTaken, People, User

ADMIN = "admin"
ROLES = ("viewer", "operator", ADMIN)


class NoSuchUser(Exception):
    """There is no such user."""


class BadRights(Exception):
    """The name, the role or the sites are none that a user can have; the text says what they must be."""


class LastAdmin(Exception):
    """Nobody would be left who may manage people."""


@dataclass(frozen=True)
class Account:
    """A user's name and the password just made; None when it was shown before and nobody can show it again."""

    name: str
    password: str | None


@dataclass(frozen=True)
class Rights:
    """A role, and the sites that it is for; None means every site."""

    role: str
    site_ids: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise BadRights(f"role must be one of {', '.join(ROLES)}")
        if self.role == ADMIN and self.site_ids is not None:
            raise BadRights("an admin is for every site: leave the sites out, or choose another role")

    def __str__(self) -> str:
        where = "every site" if self.site_ids is None else ", ".join(sorted(self.site_ids)) or "no site"
        return f"{self.role}, {where}"


@dataclass(frozen=True)
class Deed:
    """Who changes people, from where and when, for the audit log."""

    by: str
    now: datetime
    address: str | None = None
    request_id: str | None = None

    def record(self, action: str, detail: str) -> LoginRecord:
        """Return the line of the audit log."""
        return LoginRecord(self.now, action, self.by, self.address, self.request_id, detail)


def ensure_admin(people: People, now: datetime) -> Account:
    """Make `admin` if there is no user at all."""
    if people.count():
        return Account(ADMIN, None)
    password = generate_password()
    try:
        people.add(User(str(uuid.uuid4()), ADMIN, ADMIN, hash_password(password)), now)
    except NameTaken:
        return Account(ADMIN, None)
    return Account(ADMIN, password)


def reset_password(people: People, name: str, now: datetime) -> Account:
    """Give a user a new password and end all of their sessions; raises NoSuchUser."""
    user = people.named(name)
    if user is None:
        raise NoSuchUser(name)
    password = generate_password()
    people.change_password(user, hash_password(password), now)
    people.record(LoginRecord(now, "password-reset", name))
    return Account(name, password)


def add_user(people: People, name: str, rights: Rights, deed: Deed) -> tuple[User, str]:
    """Add a user and return it with its password; raises BadRights, NameTaken."""
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > NAME_MOST or not cleaned.isprintable():
        raise BadRights(f"a user name has 1 to {NAME_MOST} printable characters")
    password = generate_password()
    user = User(str(uuid.uuid4()), cleaned, rights.role, hash_password(password), rights.site_ids)
    people.add(user, deed.now)
    people.record(deed.record("user-added", f"{cleaned}: {rights}"))
    return user, password


def change_rights(people: People, user_id: str, rights: Rights, deed: Deed) -> User:
    """Give a user another role or other sites; raises NoSuchUser, LastAdmin."""
    user = _known(people, user_id)
    if rights.role != ADMIN:
        _keep_an_admin(people, user)
    changed = replace(user, role=rights.role, site_ids=rights.site_ids)
    people.change_rights(changed)
    people.record(deed.record("user-changed", f"{user.name}: {rights}"))
    return changed


def renew_password(people: People, user_id: str, deed: Deed) -> tuple[User, str]:
    """Give a user a new password and end all of their sessions; raises NoSuchUser."""
    user = _known(people, user_id)
    password = generate_password()
    people.change_password(user, hash_password(password), deed.now)
    people.record(deed.record("password-reset", user.name))
    return user, password


def remove_user(people: People, user_id: str, deed: Deed) -> None:
    """Take a user out and end all of their sessions; raises NoSuchUser, LastAdmin."""
    user = _known(people, user_id)
    _keep_an_admin(people, user)
    people.remove(user)
    people.record(deed.record("user-removed", user.name))


def _known(people: People, user_id: str) -> User:
    user = people.get(user_id)
    if user is None:
        raise NoSuchUser(user_id)
    return user


def _keep_an_admin(people: People, user: User) -> None:
    others = [other for other, _ in people.all() if other.role == ADMIN and other.id != user.id]
    if user.role == ADMIN and not others:
        raise LastAdmin(user.name)
