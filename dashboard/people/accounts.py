"""Make the first admin, and give a person a new password."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from dashboard.people.passwords import generate_password, hash_password
from dashboard.store.people import LoginRecord, NameTaken, People, User

ADMIN = "admin"


class NoSuchUser(Exception):
    """There is no user of that name."""


@dataclass(frozen=True)
class Account:
    """A user's name and the password just made; None when it was shown before and nobody can show it again."""

    name: str
    password: str | None


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
