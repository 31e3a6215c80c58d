"""The forwarder's questions to the store: each target follows change_seq with a cursor of its own."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from dashboard.ingest.decode import Fact, decode
from dashboard.ingest.projection import Projection
from dashboard.store import forwarding
from dashboard.store.database import Database
from dashboard.store.forwarding import Forwarding, NoSuchTarget
from dashboard.store.intake import Intake
from dashboard.store.records import Records
from fleet.messages import Message
from tests.support.camera_words import CAMERA, MOMENT, event, facts, presence, received

LATER = MOMENT + timedelta(seconds=30)


def store(database: Database, *messages: Message, device_id: str = CAMERA, after_s: float = 0) -> None:
    records, projection = Records(), Projection()
    for message in messages:
        fact = decode(received(message, device_id=device_id), MOMENT + timedelta(seconds=after_s))
        assert isinstance(fact, Fact)
        records.extend(projection.take(fact).records)
    Intake(database).write(records)


def sequence(database: Database, name: str, most: int = 100) -> list[int]:
    return [row["change_seq"] for row in Forwarding(database).next_page(name, most).events]


def test_a_new_target_begins_at_the_newest_change_and_a_known_one_keeps_its_place(database: Database) -> None:
    store(database, event(1), presence())
    forwarding = Forwarding(database)
    forwarding.begin("kafka", MOMENT)
    assert sequence(database, "kafka") == []
    store(database, event(2))
    forwarding.begin("kafka", LATER)
    assert len(sequence(database, "kafka")) == 1
    [cursor] = forwarding.cursors()
    assert (cursor.name, cursor.updated_at, cursor.error) == ("kafka", MOMENT, None)


def test_pages_follow_the_order_of_change_and_name_the_camera(database: Database) -> None:
    forwarding = Forwarding(database)
    forwarding.begin("kafka", MOMENT)
    store(database, facts(), event(1), event(2))
    store(database, event(3), device_id="cam-nameless")
    page = forwarding.next_page("kafka", 2)
    assert [row["camera_name"] for row in page.events] == ["Front door"] * 2
    assert forwarding.advance(page.cursor, page.events[-1]["change_seq"], LATER)
    rest = forwarding.next_page("kafka", 2)
    assert [row["device_id"] for row in rest.events] == ["cam-nameless"]
    seen = [row["change_seq"] for row in page.events + rest.events]
    assert seen == sorted(seen)


def test_an_event_that_changed_again_before_it_was_read_comes_once_with_its_newest_state(database: Database) -> None:
    forwarding, known = Forwarding(database), uuid4()
    forwarding.begin("kafka", MOMENT)
    store(database, event(1, event_id=known))
    first = forwarding.next_page("kafka", 10)
    store(database, event(2, event_id=known, rev=2))
    [row] = forwarding.next_page("kafka", 10).events
    assert (row["rev"], row["change_seq"] > first.events[0]["change_seq"]) == (2, True)
    assert forwarding.advance(first.cursor, first.events[0]["change_seq"], LATER)
    assert [row["rev"] for row in forwarding.next_page("kafka", 10).events] == [2]


def test_a_cursor_that_a_person_moved_meanwhile_is_not_moved_by_who_read_it_before(database: Database) -> None:
    forwarding = Forwarding(database)
    forwarding.begin("kafka", MOMENT)
    store(database, event(1), event(2))
    page = forwarding.next_page("kafka", 10)
    forwarding.advance(page.cursor, page.events[-1]["change_seq"], MOMENT)
    store(database, event(3))
    newer = forwarding.next_page("kafka", 10)
    forwarding.rewind("kafka", 0, LATER)
    assert not forwarding.advance(newer.cursor, newer.events[-1]["change_seq"], LATER)
    assert not forwarding.stop(newer.cursor, "410", LATER)
    assert len(sequence(database, "kafka")) == 3


def test_a_target_that_was_stopped_says_why_until_a_person_goes_on(database: Database) -> None:
    forwarding = Forwarding(database)
    forwarding.begin("webhook:1", MOMENT)
    store(database, event(1))
    assert forwarding.stop(forwarding.next_page("webhook:1", 1).cursor, "says 410 " * 100, LATER)
    stopped = forwarding.next_page("webhook:1", 1)
    assert (stopped.cursor.error or "").startswith("says 410")
    assert not forwarding.advance(stopped.cursor, 99, LATER)
    forwarding.rewind("webhook:1", stopped.cursor.change_seq, LATER)
    assert forwarding.next_page("webhook:1", 1).cursor.error is None
    assert len(sequence(database, "webhook:1")) == 1


def test_lag_is_how_many_wait_and_since_when_the_oldest(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Forwarding(database)
    reader.begin("kafka", MOMENT)
    assert (reader.lag("kafka").events, reader.lag("kafka").oldest_received_at) == (0, None)
    store(database, event(1), after_s=5)
    store(database, event(2), event(3), after_s=9)
    assert (reader.lag("kafka").events, reader.lag("kafka").oldest_received_at) == (3, MOMENT + timedelta(seconds=5))
    monkeypatch.setattr(forwarding, "MOST_COUNTED", 2)
    assert reader.lag("kafka").events == 2


@pytest.mark.parametrize("ask", [lambda store: store.lag("x"), lambda store: store.rewind("x", 0, MOMENT)])
def test_a_target_that_never_was_is_named(database: Database, ask: Any) -> None:
    with pytest.raises(NoSuchTarget, match="x"):
        ask(Forwarding(database))
