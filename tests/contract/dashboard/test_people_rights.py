"""What the store keeps of people's rights, and of what they did."""

from dataclasses import replace

import pytest

from dashboard.people.sessions import LIFE
from dashboard.store.database import Database
from dashboard.store.people import LoginRecord, People, User
from tests.support.camera_words import MOMENT

BEA = User("u-2", "bea", "operator", "hash", frozenset({"hq", "depot"}))
ALL = User("u-1", "ada", "admin", "hash")


@pytest.fixture
def people(database: Database) -> People:
    made = People(database)
    for user in (BEA, ALL):
        made.add(user, MOMENT)
    return made


def test_sites_are_kept_and_none_means_every_site(people: People) -> None:
    assert [user for user, _ in people.all()] == [ALL, BEA]
    assert people.get("u-2") == BEA
    assert (BEA.may_see("hq"), BEA.may_see("plant"), BEA.may_see(None)) == (True, False, False)
    assert (ALL.may_see("plant"), ALL.may_see(None)) == (True, True)


def test_a_person_without_any_site_sees_nothing(people: People) -> None:
    people.change_rights(replace(BEA, site_ids=frozenset()))
    found = people.get("u-2")
    assert found
    assert not found.may_see("hq")


def test_changed_rights_hold_for_sessions_that_are_open(people: People) -> None:
    people.open_session("token", BEA, MOMENT, MOMENT + LIFE)
    people.change_rights(replace(BEA, role="viewer", site_ids=None))
    found = people.of_session("token", MOMENT)
    assert found
    assert (found.role, found.site_ids) == ("viewer", None)


def test_a_removed_person_is_out_at_once(people: People) -> None:
    people.open_session("token", BEA, MOMENT, MOMENT + LIFE)
    people.remove(BEA)
    assert people.of_session("token", MOMENT) is None
    assert people.named("bea") is None


def test_the_record_pages_backwards_and_says_what_was_done(people: People) -> None:
    for number in range(5):
        people.record(LoginRecord(MOMENT, "user-changed", "ada", detail=f"bea {number}"))
    newest = people.recorded_with_ids(2)
    older = people.recorded_with_ids(10, below=newest[-1][0])
    assert [entry.detail for _, entry in newest] == ["bea 4", "bea 3"]
    assert [entry.detail for _, entry in older] == ["bea 2", "bea 1", "bea 0"]
