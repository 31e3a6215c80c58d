"""The quick way to read an event takes nothing that the strict way would read otherwise, or refuse."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.ingest.agent_event import read_agent_event
from fleet.messages import Change, Event, MalformedMessage
from tests.support.camera_words import as_event, event

fractions = st.floats(0, 1, allow_nan=False) | st.integers(0, 10_000).map(lambda part: part / 10_000)
numbers = st.integers(1, 2**63 - 1) | st.integers(1, 1000)
names = st.text(min_size=1, max_size=80)
times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
boxes = st.tuples(fractions, fractions, fractions, fractions)
events = st.builds(
    Event,
    ts=times,
    session=st.integers(0, 2**63 - 1),
    outbox=st.uuids(),
    seq=numbers,
    event_id=st.uuids(),
    rev=numbers,
    change=st.sampled_from(Change),
    track_id=st.integers(0, 2**63 - 1),
    label=names,
    score=fractions,
    box=boxes,
    best_box=boxes,
    best_score=fractions,
    started_at=times,
    ended_at=st.none() | times,
    frame_ts=times,
    aspect=st.none() | st.floats(0.01, 100),
    zones=st.lists(names, max_size=4),
    path=st.lists(st.tuples(fractions, fractions), max_size=5),
    lost=st.none() | numbers,
)
# What somebody else might write in a field's place.
odd_values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=90)
    | st.lists(fractions, max_size=6)
    | st.sampled_from(
        [
            "2026-11-21",
            "2026-11-21T08:00:00",
            "2026-11-21T08:00:00+02:00",
            "2026-02-30T08:00:00Z",
            "2026-11-21t08:00:00z",
        ]
    )
    | st.uuids().map(lambda one: str(one).upper())
    | st.uuids().map(lambda one: one.hex)
)


def strictly(payload: bytes) -> Event | None:
    try:
        return Event.decode(payload)
    except MalformedMessage:
        return None


def agrees(payload: bytes) -> bool:
    """Whether the quick way left a payload alone, or read the very same of it."""
    read = read_agent_event(payload)
    return read is None or as_event(read) == strictly(payload)


def test_what_an_agent_writes_is_read_the_quick_way() -> None:
    ended = event(2, change="end", ended_at=datetime(2026, 11, 21, 9, tzinfo=UTC), path=[(0.5, 0.25)], aspect=1.7778)
    for said in (event(1), ended, event(3, change="gap", lost=4), event(4, label="Fußgänger", zones=["Tor ✓"])):
        read = read_agent_event(said.encode())
        assert read is not None
        assert as_event(read) == said


@settings(max_examples=300, deadline=None)
@given(events)
def test_any_event_means_the_same_both_ways(said: Event) -> None:
    payload = said.encode()
    assert agrees(payload)
    assert strictly(payload) == said


@settings(max_examples=400, deadline=None)
@given(events, st.sampled_from(sorted(Event.model_fields)), odd_values)
def test_an_odd_value_in_any_field_is_never_read_otherwise(said: Event, name: str, value: Any) -> None:
    body = json.loads(said.encode()) | {name: value}
    assert agrees(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass"))


@settings(max_examples=300, deadline=None)
@given(events, st.data())
def test_broken_bytes_are_never_read_otherwise(said: Event, data: st.DataObject) -> None:
    payload = bytearray(said.encode())
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert agrees(bytes(payload))


@pytest.mark.parametrize("name", sorted(Event.model_fields))
def test_a_key_that_is_said_twice_is_left_to_the_strict_way_which_refuses(name: str) -> None:
    payload = event(1, aspect=1.5, lost=3, ended_at=datetime(2026, 11, 21, 9, tzinfo=UTC)).encode()
    again = json.dumps({name: json.loads(payload)[name]}, separators=(",", ":")).encode()[1:-1]
    for twice in (payload[:-1] + b"," + again + b"}", b"{" + again + b"," + payload[1:]):
        assert read_agent_event(twice) is None
        assert strictly(twice) is None


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"ts": "2026-11-21T08:00:00+00:00"},
        {"ts": datetime(2026, 11, 21, 8, tzinfo=timezone(timedelta(hours=2))).isoformat()},
        {"score": 1},
        {"event_id": UUID(int=5).hex},
        {"lost": None},
    ],
)
def test_what_is_right_but_not_written_as_an_agent_does_is_left_to_the_strict_way(change: dict[str, Any]) -> None:
    payload = json.dumps(json.loads(event(1).encode()) | change, separators=(",", ":")).encode()
    assert read_agent_event(payload) is None
    assert strictly(payload) is not None


@pytest.mark.parametrize("payload", [b"", b"{}", b"null", b"[" * 5000, b"\xff", b'{"v":1}'])
def test_garbage_is_left_to_the_strict_way(payload: bytes) -> None:
    assert read_agent_event(payload) is None
