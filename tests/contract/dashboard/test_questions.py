"""What pages and feed ask of the store."""

from datetime import timedelta

import pytest

from dashboard.store.cameras import Cameras
from dashboard.store.changes import Changes
from dashboard.store.database import Database
from dashboard.store.events import MOST_MERGED, EventFilter, Events, place_of
from dashboard.store.intake import Intake
from dashboard.store.records import Records
from tests.contract.dashboard.test_intake import records_of
from tests.support.camera_words import CAMERA, MOMENT, event, facts, health, presence

BEGAN = MOMENT - timedelta(hours=9)


@pytest.fixture
def history(database: Database) -> Events:
    intake = Intake(database)
    for hour, label in enumerate(["person", "car", "person", "dog"]):
        intake.write(records_of(facts(), event(hour + 1, label=label, now=BEGAN + timedelta(hours=hour))))
    intake.write(records_of(event(1, label="cat", now=BEGAN), device_id="cam-back-door"))
    return Events(database)


def labels(events: Events, **wanted: object) -> list[str]:
    return [row["label"] for row in events.newest_first(EventFilter(**wanted), 50)]  # type: ignore[arg-type]


def test_events_come_newest_first_with_their_cameras_name(history: Events) -> None:
    assert labels(history)[:3] == ["dog", "person", "car"]
    assert sorted(labels(history)[3:]) == ["cat", "person"]
    names = {row["camera_name"] for row in history.newest_first(EventFilter(camera=CAMERA), 50)}
    assert names == {"Front door"}


def test_each_filter_narrows_and_they_combine(history: Events) -> None:
    assert labels(history, camera="cam-back-door") == ["cat"]
    assert labels(history, label="person") == ["person", "person"]
    assert labels(history, site="hq") == ["dog", "person", "car", "person"]
    assert labels(history, after=BEGAN + timedelta(hours=2)) == ["dog", "person"]
    assert labels(history, label="person", before=BEGAN + timedelta(hours=2)) == ["person"]
    assert labels(history, site="nowhere") == []


def test_pages_follow_each_other_without_gap_or_repeat(history: Events) -> None:
    found: list[str] = []
    below = None
    while page := history.newest_first(EventFilter(below=below), 2):
        found += [row["label"] for row in page]
        below = place_of(page[-1])
    assert found == labels(history)


def test_an_updated_event_keeps_its_place(history: Events, database: Database) -> None:
    before = [row["event_id"] for row in history.newest_first(EventFilter(), 50)]
    Intake(database).write(records_of(event(9, event_id=before[2], rev=2, label="bird", now=MOMENT)))
    after = history.newest_first(EventFilter(), 50)
    assert [row["event_id"] for row in after] == before
    assert (after[2]["label"], after[2]["rev"]) == ("bird", 2)


@pytest.mark.parametrize("sites", [{"hq"}, {"hq", "depot"}, {f"site-{n}" for n in range(MOST_MERGED)} | {"hq"}])
def test_a_person_sees_the_newest_of_their_sites_in_one_order(database: Database, sites: set[str]) -> None:
    for hour, site in enumerate(["hq", "depot", "hq", "elsewhere"]):
        at = BEGAN + timedelta(hours=hour)
        said = records_of(facts(site_id=site), event(hour + 1, label=site, now=at))
        Intake(database).write(said)
    events, seen = Events(database), frozenset(sites)
    wanted = [label for label in ["hq", "depot", "hq"] if label in sites]
    assert labels(events, sites=seen) == wanted
    [first] = events.newest_first(EventFilter(sites=seen), 1)
    assert labels(events, sites=seen, below=place_of(first)) == wanted[1:]
    assert labels(events, sites=frozenset()) == []


@pytest.mark.parametrize("years", [-10, 10])
def test_an_event_of_a_clock_years_off_stands_where_it_arrived(database: Database, years: int) -> None:
    wrong = MOMENT + timedelta(days=365 * years)
    Intake(database).write(records_of(event(1, label="odd", now=wrong), event(2, label="right", now=MOMENT)))
    rows = Events(database).newest_first(EventFilter(after=MOMENT - timedelta(days=1)), 10)
    assert {row["label"]: row["happened_at"] == row["received_at"] for row in rows}["odd"]
    assert {row["label"]: row["started_at"] for row in rows}["odd"] == wrong


def test_the_list_of_cameras_carries_the_cursor_that_the_feed_goes_on_from(database: Database) -> None:
    Intake(database).write(records_of(facts(), presence()))
    cameras, cursor = Cameras(database).all()
    assert [camera.columns["device_id"] for camera in cameras] == [CAMERA]
    assert Changes(database).after(cursor).cameras == []
    Intake(database).write(records_of(health()))
    assert [camera.columns["device_id"] for camera in Changes(database).after(cursor).cameras] == [CAMERA]
    assert Changes(database).count_after(cursor) == 1


def test_a_follower_is_told_cheaply_that_nothing_came(database: Database) -> None:
    changes = Changes(database)
    changes.may_have_come()
    if database.is_sqlite:
        assert not changes.may_have_come()
    Intake(database).write(records_of(event()))
    assert changes.may_have_come()


def test_telemetry_is_the_newest_of_a_span_oldest_first(database: Database) -> None:
    rows = [
        {**records_of(health(seq=number)).telemetry[0], "received_at": MOMENT + timedelta(seconds=number)}
        for number in range(5)
    ]
    Intake(database).write(Records(telemetry=rows))
    found = Cameras(database).telemetry(CAMERA, MOMENT, MOMENT + timedelta(seconds=4), 3)
    assert [row["received_at"].second for row in found] == [1, 2, 3]


def test_an_unknown_camera_is_nobody(database: Database) -> None:
    assert Cameras(database).get("cam-nobody") is None
