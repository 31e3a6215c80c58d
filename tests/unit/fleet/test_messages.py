"""Messages: validated at both ends, tolerant of what is new, bounded against what is hostile."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.identifiers import uuid7
from fleet.messages import (
    Backfill,
    Change,
    Event,
    Health,
    MalformedMessage,
    Presence,
    Reason,
    Receipt,
    RegistryFacts,
    StreamHealth,
    pack_backfill,
    to_wire_time,
)
from tests.support.camera_words import facts, health

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def event(**given: Any) -> Event:
    fields: dict[str, Any] = {
        "ts": NOW,
        "session": 1,
        "outbox": uuid7(),
        "seq": 1,
        "event_id": uuid7(),
        "rev": 1,
        "change": "new",
        "started_at": NOW,
        "frame_ts": NOW,
    }
    return Event(**(fields | given))


def test_an_event_survives_the_wire() -> None:
    sent = event(label="person", box=(0.1, 0.2, 0.3, 0.4), path=[(0.1, 0.9)], change=Change.END, ended_at=NOW)
    assert Event.decode(sent.encode()) == sent


def test_a_packed_backfill_is_what_the_message_says() -> None:
    events = [event(seq=1), event(seq=2, label='say "},{\\"stream\\":"')]
    box = uuid7()
    payload = pack_backfill(box, NOW, [("main", one.encode()) for one in events])
    said = Backfill.decode(payload)
    assert (said.outbox, said.ts, [(item.stream, item.event) for item in said.events]) == (
        box,
        NOW,
        [("main", one) for one in events],
    )


def test_times_are_read_into_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5)))
    assert Presence(ts=local, session=1, state="online").ts.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="ts"):
        Presence.decode(b'{"ts":"2026-11-21T12:00:00","session":1,"state":"online"}')


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="ts"):
        Presence.decode(b'{"ts":"0001-01-01T00:00:00+14:00","session":1,"state":"online"}')


def test_an_unknown_field_of_a_newer_camera_is_ignored() -> None:
    body = json.loads(event().encode()) | {"mood": "sunny"}
    assert Event.decode(json.dumps(body).encode()).rev == 1


def test_an_unknown_reason_of_a_newer_camera_reads_as_unknown() -> None:
    body = b'{"ts":"2026-11-21T12:00:00Z","session":1,"state":"offline","reason":"eaten-by-bear"}'
    assert Presence.decode(body).reason is Reason.UNKNOWN


def test_facts_say_whether_a_camera_is_cut_off_and_those_of_an_older_courier_do_not() -> None:
    cut_off = facts(denied=True)
    assert RegistryFacts.decode(cut_off.encode()).denied
    older = json.loads(cut_off.encode())
    del older["denied"]
    assert not RegistryFacts.decode(json.dumps(older).encode()).denied


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (b"", "payload"),
        (b"\xff\xfe", "payload"),
        (b"[]", "payload"),
        (b'{"v":1}', "ts"),
        (b'{"v":2,"ts":"2026-11-21T12:00:00Z"}', "v"),
    ],
)
def test_a_malformed_payload_is_named_without_repeating_it(payload: bytes, named: str) -> None:
    with pytest.raises(MalformedMessage, match=f"^{named}"):
        Event.decode(payload)


@pytest.mark.parametrize(
    "field",
    [{"box": (0, 0, 1.5, 1)}, {"score": float("nan")}, {"rev": 0}, {"seq": 0}, {"path": [(0, 0)] * 33}, {"label": ""}],
)
def test_an_event_out_of_bounds_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(field))):
        event(**field)


@pytest.mark.parametrize(
    ("field", "value"),
    [("seq", 10**30), ("session", 2**63), ("rev", 2**63), ("track_id", 10**20), ("score", float("inf"))],
)
def test_a_number_that_no_database_holds_is_refused(field: str, value: float) -> None:
    body = {**json.loads(event().encode()), field: value}
    with pytest.raises(MalformedMessage, match=field):
        Event.decode(json.dumps(body).encode())


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1e308"])
def test_health_that_no_sum_survives_is_refused(value: str) -> None:
    payload = health().encode()
    said = b'"cpu_pct":12.5'
    assert said in payload
    with pytest.raises(MalformedMessage, match="cpu_pct"):
        Health.decode(payload.replace(said, f'"cpu_pct":{value}'.encode()))


def test_a_payload_that_says_a_key_twice_is_refused_at_any_depth() -> None:
    payload = event(zones=["a"]).encode()
    with pytest.raises(MalformedMessage, match="twice"):
        Event.decode(payload[:-1] + b',"rev": 2}')
    with pytest.raises(MalformedMessage, match="twice"):
        Event.decode(payload[:-1] + b',"later": {"x": 1, "x": 2}}')


def test_equal_keys_of_different_parts_and_keys_inside_texts_are_no_repetition() -> None:
    two = {"a": StreamHealth(fps=1.0), "b": StreamHealth(fps=2.0)}
    assert Health.decode(health(streams=two).encode()).streams == two
    odd = event(label='"rev": 1, "rev": 2')
    assert Event.decode(odd.encode()) == odd


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(payload: bytes) -> None:
    for kind in (Event, Presence, Receipt, RegistryFacts):
        with pytest.raises(MalformedMessage):
            kind.decode(payload)


def test_a_receipt_covers_its_ranges_and_nothing_else() -> None:
    receipt = Receipt(ts=NOW, outbox=uuid7(), committed=[(1, 3), (7, 7)], server_ts=NOW)
    assert [seq for seq in range(1, 10) if receipt.covers(seq)] == [1, 2, 3, 7]


def test_wire_times_have_milliseconds_and_a_z() -> None:
    assert to_wire_time(NOW) == "2026-11-21T12:00:00.000Z"


@given(st.integers(min_value=0, max_value=2**48 - 1), st.integers(min_value=0, max_value=2**48 - 1))
def test_uuid7_is_ordered_by_time(first: int, second: int) -> None:
    one, two = uuid7(first), uuid7(second)
    assert isinstance(one, UUID)
    assert one.version == 7
    assert one.int >> 80 == first
    assert first == second or (one < two) == (first < second)
