"""What pages and feed ask of the store."""

from datetime import timedelta

import pytest

from dashboard.store.cameras import Cameras
from dashboard.store.changes import Changes
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import Intake
from dashboard.store.records import Records
from tests.contract.dashboard.test_intake import records_of
from tests.support.camera_words import CAMERA, MOMENT, event, facts, health, presence


@pytest.fixture
def history(database: Database) -> Events:
    intake = Intake(database)
    for hour, label in enumerate(["person", "car", "person", "dog"]):
        intake.write(records_of(facts(), event(hour + 1, label=label, now=MOMENT + timedelta(hours=hour))))
    intake.write(records_of(event(1, label="cat"), device_id="cam-back-door"))
    return Events(database)


def labels(events: Events, **wanted: object) -> list[str]:
    return [row["label"] for row in events.newest_first(EventFilter(**wanted), 50)]  # type: ignore[arg-type]


def test_events_come_newest_first_with_their_cameras_name(history: Events) -> None:
    assert labels(history) == ["cat", "dog", "person", "car", "person"]
    names = {row["camera_name"] for row in history.newest_first(EventFilter(camera=CAMERA), 50)}
    assert names == {"Front door"}


def test_each_filter_narrows_and_they_combine(history: Events) -> None:
    assert labels(history, camera="cam-back-door") == ["cat"]
    assert labels(history, label="person") == ["person", "person"]
    assert labels(history, site="hq") == ["dog", "person", "car", "person"]
    assert labels(history, after=MOMENT + timedelta(hours=2)) == ["dog", "person"]
    assert labels(history, label="person", before=MOMENT + timedelta(hours=2)) == ["person"]
    assert labels(history, site="nowhere") == []


def test_pages_follow_each_other_without_gap_or_repeat(history: Events) -> None:
    found: list[str] = []
    below = None
    while page := history.newest_first(EventFilter(below=below), 2):
        found += [row["label"] for row in page]
        below = page[-1]["change_seq"]
    assert found == labels(history)


def test_an_updated_event_moves_to_the_top(history: Events, database: Database) -> None:
    oldest = history.newest_first(EventFilter(), 50)[-1]
    Intake(database).write(records_of(event(9, event_id=oldest["event_id"], rev=2, label="person")))
    assert history.newest_first(EventFilter(), 1)[0]["event_id"] == oldest["event_id"]


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
