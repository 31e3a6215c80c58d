"""An event that is kept as its camera said it is read back with every field that it had."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from dashboard.ingest.agent_event import read_agent_event
from dashboard.ingest.rows import event_row
from dashboard.store.payload import all_whole, whole
from fleet.messages import Event
from tests.support.camera_words import CAMERA, MOMENT, event
from tests.unit.dashboard.test_agent_event import events

# What a row holds beside what was said.
BESIDE = {"device_id": CAMERA, "stream": "main", "received_at": MOMENT}


def row_of(said: Event) -> dict[str, Any]:
    return event_row(CAMERA, "main", said, MOMENT)


def fields_of(said: Event) -> dict[str, Any]:
    """Return an event's fields as pages are shown them: ids and changes as text, boxes and paths as lists."""
    python, plain = said.model_dump(exclude={"v"}), said.model_dump(mode="json", exclude={"v"})
    return {name: value if isinstance(value, datetime) else plain[name] for name, value in python.items()}


def test_a_row_is_shown_with_its_fields_in_place_of_its_payload() -> None:
    said = event(3, zones=["gate"], path=[(0.25, 0.5)], ended_at=MOMENT, aspect=1.5, lost=2, change="end")
    assert whole(row_of(said)) == fields_of(said) | BESIDE | {"happened_at": MOMENT}


def test_what_was_left_out_is_none() -> None:
    shown = whole(row_of(event(1)))
    assert [shown[name] for name in ("ended_at", "aspect", "lost")] == [None, None, None]


def test_times_keep_their_microseconds_and_are_in_utc() -> None:
    moment = datetime(2026, 11, 21, 8, 0, 0, 1, tzinfo=UTC)
    shown = whole(row_of(event(1, now=moment)))
    assert shown["started_at"] == moment
    assert shown["started_at"].tzinfo is UTC


def test_what_a_later_release_added_does_no_harm() -> None:
    row = row_of(event(1))
    later = row | {"payload": json.dumps(json.loads(row["payload"]) | {"colour": "red"})}
    assert whole(later) == whole(row)


def test_many_are_read_in_their_order() -> None:
    rows = [row_of(event(seq)) for seq in (2, 1, 3)]
    assert [shown["seq"] for shown in all_whole(rows)] == [2, 1, 3]


@pytest.mark.parametrize("change", [{"more": 1}, {"ts": "2026-11-21T10:00:00+02:00"}, {"lost": None}])
def test_a_message_that_no_agent_wrote_is_kept_in_the_form_in_which_agents_write(change: dict[str, Any]) -> None:
    said = event(1)
    odd = json.dumps(json.loads(said.encode()) | change).encode()
    assert read_agent_event(odd) is None
    assert row_of(Event.decode(odd)) == row_of(said)


@settings(max_examples=300, deadline=None)
@given(events)
def test_any_event_is_read_back_with_every_field_that_it_had(said: Event) -> None:
    shown = whole(row_of(said))
    assert fields_of(said) == {name: value for name, value in shown.items() if name not in {*BESIDE, "happened_at"}}


@settings(max_examples=200, deadline=None)
@given(events)
def test_any_event_has_the_same_row_whichever_way_it_was_read(said: Event) -> None:
    quickly = read_agent_event(said.encode())
    if quickly is not None:
        assert whole(event_row(CAMERA, "main", quickly, MOMENT)) == whole(row_of(said))
