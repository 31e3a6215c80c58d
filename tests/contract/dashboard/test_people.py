"""Users, sessions and the audit log."""

from datetime import timedelta

import pytest

from dashboard.people.accounts import ADMIN, NoSuchUser, ensure_admin, reset_password
from dashboard.people.sessions import LIFE, Sessions, Visitor
from dashboard.store.database import Database
from dashboard.store.people import NameTaken, People
from tests.support.camera_words import MOMENT

VISITOR = Visitor("192.0.2.7", "request-1")


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


def test_the_first_admin_is_made_once_and_the_password_shown_once(people: People) -> None:
    first = ensure_admin(people, MOMENT)
    assert first.password
    assert ensure_admin(people, MOMENT).password is None
    assert people.count() == 1


def test_the_right_password_opens_a_session_that_ends_by_itself(people: People) -> None:
    password = ensure_admin(people, MOMENT).password or ""
    sessions = Sessions(people)
    token = sessions.log_in(ADMIN, password, VISITOR, MOMENT)
    user = sessions.user_of(token, MOMENT + LIFE - timedelta(seconds=1))
    assert user
    assert (user.name, user.role) == ("admin", "admin")
    assert sessions.user_of(token, MOMENT + LIFE) is None


def test_wrong_passwords_and_unknown_names_get_nothing_and_are_recorded(people: People) -> None:
    ensure_admin(people, MOMENT)
    sessions = Sessions(people)
    assert sessions.log_in(ADMIN, "wrong", VISITOR, MOMENT) is None
    assert sessions.log_in("nobody" * 50, "wrong", VISITOR, MOMENT) is None
    recorded = people.recorded()
    assert [(entry.action, entry.user_name[:6], entry.address) for entry in recorded] == [
        ("log-in-refused", "nobody", "192.0.2.7"),
        ("log-in-refused", "admin", "192.0.2.7"),
    ]


def test_logging_out_ends_the_session_and_a_guess_never_was_one(people: People) -> None:
    password = ensure_admin(people, MOMENT).password or ""
    sessions = Sessions(people)
    token = sessions.log_in(ADMIN, password, VISITOR, MOMENT)
    user = sessions.user_of(token, MOMENT)
    assert token
    assert user
    sessions.log_out(token, user, VISITOR, MOMENT)
    assert sessions.user_of(token, MOMENT) is None
    assert sessions.user_of("guess", MOMENT) is None
    assert sessions.user_of(None, MOMENT) is None


def test_a_new_password_ends_every_session_and_the_old_password(people: People) -> None:
    old = ensure_admin(people, MOMENT).password or ""
    sessions = Sessions(people)
    token = sessions.log_in(ADMIN, old, VISITOR, MOMENT)
    fresh = reset_password(people, ADMIN, MOMENT).password or ""
    assert sessions.user_of(token, MOMENT) is None
    assert sessions.log_in(ADMIN, old, VISITOR, MOMENT) is None
    assert sessions.log_in(ADMIN, fresh, VISITOR, MOMENT)


def test_nobody_gets_no_password(people: People) -> None:
    with pytest.raises(NoSuchUser):
        reset_password(people, "nobody", MOMENT)


def test_a_name_is_taken_once(people: People) -> None:
    ensure_admin(people, MOMENT)
    user = people.named(ADMIN)
    assert user
    with pytest.raises(NameTaken):
        people.add(user, MOMENT)


def test_the_store_never_holds_a_token_or_a_password(people: People) -> None:
    password = ensure_admin(people, MOMENT).password or ""
    token = Sessions(people).log_in(ADMIN, password, VISITOR, MOMENT)
    user = people.named(ADMIN)
    assert user
    assert password not in user.password_hash
    assert token
    assert people.of_session(token, MOMENT) is None
