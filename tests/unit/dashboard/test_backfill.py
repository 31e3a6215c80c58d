"""Late events come many in one message, and each is read, judged and put aside by itself."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ingest.backfill import Late, unpack
from dashboard.ingest.decode import Fact, Malformed, decode
from dashboard.ingest.projection import Outcome, Projection
from dashboard.ingest.receipts import owed_for
from fleet import topics
from fleet.messages import Event, MalformedMessage, pack_backfill
from fleet.messages.backfill import MOST_EVENTS
from fleet.mqtt import Received
from tests.support.camera_words import CAMERA, MOMENT, OUTBOX, as_event, event, health, received

DAY = timedelta(days=1)


def backfill(payload: bytes) -> Received:
    return Received(topics.backfill(CAMERA), payload, 1, False, 7, 1)


def packed(*events: Event, sent_at: datetime = MOMENT) -> Received:
    return backfill(pack_backfill(OUTBOX, sent_at, (("main", one.encode()) for one in events)))


def items(*given: Any) -> Received:
    return backfill(json.dumps({"v": 1, "ts": MOMENT.isoformat(), "outbox": str(OUTBOX), "events": given}).encode())


def read(message: Received, now: datetime = MOMENT) -> list[Any]:
    return [decode(part, now) for part in unpack(message)]


def test_each_event_is_read_as_if_it_had_come_alone_with_its_own_bytes() -> None:
    sent = [event(1), event(2), event(3)]
    parts = unpack(packed(*sent))
    assert [(part.topic, part.payload) for part in parts] == [
        (topics.event(CAMERA, "main"), one.encode()) for one in sent
    ]
    assert [as_event(fact.message) for fact in read(packed(*sent))] == sent


def test_any_other_message_is_left_as_it_is() -> None:
    alone = received(event())
    assert unpack(alone) == [alone]


def test_one_malformed_item_is_the_only_one_put_aside() -> None:
    good = json.loads(event(1).encode())
    bad = [
        5,
        None,
        [],
        {},
        {"stream": "main"},
        {"stream": "MAIN/x", "event": good},
        {"stream": "main/count", "event": good},
        {"stream": 5, "event": good},
        {"stream": "main", "event": {**good, "seq": 0}},
        {"stream": "main", "event": "new"},
        {"stream": "main", "event": {**good, "label": "x" * 1000}},
    ]
    found = read(items(*bad, {"stream": "main", "event": good}))
    assert [type(what) for what in found] == [Malformed] * len(bad) + [Fact]
    assert all(what.device_id == CAMERA and what.reason for what in found[:-1])


def test_an_event_that_says_a_thing_twice_is_put_aside_also_in_a_backfill() -> None:
    twice = event(1).encode()[:-1] + b',"rev":2}'
    [what, fact] = read(backfill(pack_backfill(OUTBOX, MOMENT, [("main", twice), ("main", event(2).encode())])))
    assert isinstance(what, Malformed)
    assert what.received.payload == twice
    assert isinstance(fact, Fact)


@pytest.mark.parametrize(
    "payload",
    [
        b"nonsense",
        b"{}",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"v":1,"ts":"2026-11-21T08:00:00Z","events":' + b"[" * 60_000,
        b'{"v":1,"ts":"2026-11-21T08:00:00Z","events":[]}',
        b'{"v":1,"ts":"2026-11-21T08:00:00","events":[{}]}',
        b'{"v":99,"ts":"2026-11-21T08:00:00Z","events":[{}]}',
        b'{"v":1,"ts":"2026-11-21T08:00:00Z","events":[' + b"{}," * MOST_EVENTS + b"{}]}",
    ],
)
def test_an_envelope_that_cannot_be_read_says_why(payload: bytes) -> None:
    with pytest.raises(MalformedMessage, match="backfill"):
        unpack(backfill(payload))


def test_a_backfill_in_a_backfill_is_no_event() -> None:
    inner = json.loads(packed(event()).payload)
    [what] = read(items(inner))
    assert isinstance(what, Malformed)


@given(st.binary(max_size=300))
def test_no_bytes_do_harm(payload: bytes) -> None:
    try:
        read(backfill(payload))
    except MalformedMessage:
        return


def tell(projection: Projection, message: Received, now: datetime) -> list[bool]:
    outcomes: list[Outcome] = [projection.take(fact) for fact in read(message, now)]
    return [row["clock_suspect"] for outcome in outcomes for row in outcome.records.events]


def test_an_event_of_last_night_is_believed_when_its_camera_knows_what_time_it_is_now() -> None:
    """No health came yet: the first message after an outage explains itself."""
    now = MOMENT + timedelta(hours=12)
    assert tell(Projection(), packed(event(), sent_at=now), now) == [False]


def test_an_event_of_last_night_is_suspect_when_its_cameras_clock_is_wrong_now() -> None:
    now = MOMENT + timedelta(hours=12)
    assert tell(Projection(), packed(event(), sent_at=MOMENT), now) == [True]


def test_what_waited_at_the_broker_is_judged_by_health() -> None:
    now = MOMENT + timedelta(hours=12)
    projection = Projection()
    fact = decode(received(health(clock_offset_s=0.5)), MOMENT)
    assert isinstance(fact, Fact)
    projection.take(fact)
    assert tell(projection, packed(event(), sent_at=MOMENT + timedelta(hours=1)), now) == [False]


@pytest.mark.parametrize("years", [-56, -1, 1, 20])
def test_a_clock_that_was_years_off_when_it_happened_is_never_believed(years: int) -> None:
    decided = MOMENT + 365 * DAY * years
    assert tell(Projection(), packed(event(now=decided), sent_at=MOMENT), MOMENT) == [True]


def test_a_time_at_the_edge_of_the_calendar_does_no_harm() -> None:
    payload = packed(event()).payload.replace(b"2026-11-21T08:00:00.000Z", b"0001-01-01T00:00:00+14:00", 1)
    assert tell(Projection(), backfill(payload), MOMENT) == [False]


def late(payload: bytes) -> Malformed:
    return Malformed(Late(topics.event(CAMERA, "main"), payload, 0, False, 0, 1, MOMENT), "why", MOMENT)


def test_what_still_shows_where_it_is_kept_is_owed_a_receipt() -> None:
    outbox = uuid4()
    said = {"outbox": str(outbox), "seq": 12, "label": 5}
    [owed] = owed_for(late(json.dumps(said).encode()))
    assert (owed.device_id, owed.outbox, owed.seq) == (CAMERA, outbox, 12)


@pytest.mark.parametrize("seq", [0, -1, 2**63, 10**30, 1.5, True, "1", None])
def test_a_number_that_no_outbox_gives_is_owed_nothing(seq: object) -> None:
    assert owed_for(late(json.dumps({"outbox": str(OUTBOX), "seq": seq}).encode())) == []


@pytest.mark.parametrize("payload", [b"", b"nonsense", b'{"seq":1}', b'{"seq":1,"outbox":"mine"}', b"[" * 60_000])
def test_what_shows_no_place_is_owed_nothing(payload: bytes) -> None:
    assert owed_for(late(payload)) == []


def test_a_sender_that_is_no_camera_is_owed_nothing() -> None:
    payload = json.dumps({"outbox": str(OUTBOX), "seq": 1}).encode()
    strange = Received("fleet/v1/srv-ingest-1/up/stream/main/event", payload, 1, False, 1, 1)
    assert owed_for(Malformed(strange, "why", MOMENT)) == []
