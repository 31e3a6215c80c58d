"""Reading messages: what is kept, what is ignored, what goes to quarantine."""

from dataclasses import replace

import pytest

from dashboard.ingest.decode import Fact, Ignored, Malformed, decode
from fleet.messages import Event, Probe
from fleet.mqtt import Received
from tests.support.camera_words import (
    CAMERA,
    MOMENT,
    as_event,
    birth,
    event,
    facts,
    health,
    presence,
    received,
    status,
)


@pytest.mark.parametrize("message", [event(), presence(), birth(), health(), status(), facts()])
def test_every_kept_kind_is_read_back(message: Event) -> None:
    fact = decode(received(message, retained=True), MOMENT)
    assert isinstance(fact, Fact)
    read = as_event(fact.message) if isinstance(message, Event) else fact.message
    assert (read, fact.topic.device_id, fact.retained, fact.received_at) == (message, CAMERA, True, MOMENT)


@pytest.mark.parametrize("payload", [b"nonsense", b"{}", b"\xff\xfe", b"[" * 5000, b'{"v": 99, "ts": "2026"}', b"null"])
def test_what_cannot_be_read_is_malformed_and_says_why(payload: bytes) -> None:
    spoilt = replace(received(event()), payload=payload)
    what = decode(spoilt, MOMENT)
    assert isinstance(what, Malformed)
    assert what.device_id == CAMERA
    assert 0 < len(what.reason) <= 200


@pytest.mark.parametrize("topic", ["fleet/v1/cam-front-door/up/stream/MAIN/event", "fleet/v1/x", "", "a/b/c/d/e"])
def test_a_topic_that_nobody_may_use_is_malformed(topic: str) -> None:
    assert isinstance(decode(Received(topic, b"{}", 1, False, 1, 1), MOMENT), Malformed)


def test_a_time_beyond_the_calendar_is_malformed() -> None:
    payload = presence().encode().replace(b"2026-11-21T08:00:00Z", b"0001-01-01T00:00:00+14:00")
    assert b"+14:00" in payload
    assert isinstance(decode(replace(received(presence()), payload=payload), MOMENT), Malformed)


def test_channels_of_later_parts_and_cleared_topics_are_ignored() -> None:
    assert decode(Received(f"fleet/v1/{CAMERA}/up/csr", b"x", 1, False, 1, 1), MOMENT) == Ignored("csr")
    assert decode(replace(received(facts()), payload=b""), MOMENT) == Ignored("registry")


def test_a_camera_cannot_pretend_to_be_ingests_probe_nor_a_server_a_camera() -> None:
    probe = Probe(ts=MOMENT, n=1).encode()
    assert isinstance(decode(Received(f"fleet/v1/{CAMERA}/up/probe", probe, 1, False, 1, 1), MOMENT), Ignored)
    assert isinstance(decode(Received("fleet/v1/srv-ingest-1/up/probe", probe, 1, False, 1, 1), MOMENT), Fact)
    said = presence().encode()
    assert isinstance(decode(Received("fleet/v1/srv-ingest-1/up/presence", said, 1, False, 1, 1), MOMENT), Ignored)
