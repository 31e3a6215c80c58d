"""A simulated camera says what an agent says, in its order, and forgets only what a receipt names."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bench.simfleet import packets
from bench.simfleet.camera import HEALTH_S, Camera
from bench.simfleet.faults import FAULTS, afflict
from bench.simfleet.packets import Message
from bench.simfleet.story import Story
from fleet import topics
from fleet.messages import Birth, Event, Health, MalformedMessage, Presence, PresenceState, Receipt, StreamStatus
from fleet.messages import Message as Said
from tests.unit.bench.wires import DEVICE, DEVICE_ID, Wires

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
DEVICE_OUTBOX = UUID("00000000-0000-7000-8000-000000000001")


def camera_on(wires: Wires, rate: float = 1.0) -> Camera:
    story = Story(random.Random(1))  # noqa: S311
    camera = Camera(DEVICE, wires.loop, wires.tally, story, rate, spread_s=0.0, session_number=7)
    camera.session.make_line = wires.make
    return camera


def started(wires: Wires, rate: float = 1.0) -> Camera:
    camera = camera_on(wires, rate)
    camera.start()
    wires.pass_time(0.0)
    wires.line.accept()
    return camera


def confirm(wires: Wires, camera: Camera, *ranges: tuple[int, int]) -> None:
    receipt = Receipt(ts=NOW, outbox=camera.outbox.id, committed=list(ranges), server_ts=NOW)
    hear(wires, receipt.encode())


def hear(wires: Wires, payload: bytes) -> None:
    content = packets.publish(Message(topics.receipt(DEVICE_ID), payload, 0))
    (packet,) = packets.Reader().feed(content)
    wires.line.answer(packets.PUBLISH, packet.body)


def events(wires: Wires) -> list[Event]:
    return [Event.decode(message.payload) for message in wires.line.published() if message.topic.endswith("/event")]


def test_it_announces_itself_retained_and_in_the_messages_that_agents_use() -> None:
    wires = Wires()
    started(wires)
    kinds: dict[str, type[Said]] = {
        topics.birth(DEVICE_ID): Birth,
        topics.presence(DEVICE_ID): Presence,
        topics.stream_status(DEVICE_ID, "main"): StreamStatus,
    }
    published = wires.line.published()
    assert [message.topic for message in published] == list(kinds)
    assert all(message.retain and message.qos == 1 for message in published)
    for message in published:
        assert kinds[message.topic].decode(message.payload).v == 1


def test_its_will_is_the_death_of_this_very_session() -> None:
    wires = Wires()
    started(wires)
    body = wires.line.sent[0].body
    assert topics.presence(DEVICE_ID).encode() in body
    death = Presence.decode(body[body.index(b'{"v"') :])
    assert (death.session, death.state) == (7, PresenceState.OFFLINE)


def test_events_go_out_at_the_rate_and_are_kept_until_confirmed() -> None:
    wires = Wires()
    camera = started(wires, rate=4.0)
    wires.pass_time(9.0)
    said = events(wires)
    assert 24 <= len(said) <= 48
    assert [event.seq for event in said] == list(range(1, len(said) + 1))
    assert wires.tally.waiting == len(camera.outbox) == len(said)
    confirm(wires, camera, (1, len(said)))
    assert (wires.tally.waiting, len(camera.outbox)) == (0, 0)


def test_the_ledger_holds_the_newest_revision_of_each_event() -> None:
    wires = Wires()
    started(wires, rate=10.0)
    wires.pass_time(9.0)
    newest = {event.event_id: (event.rev, event.seq, event.change) for event in events(wires)}
    assert {key: (one.rev, one.seq, one.change) for key, one in wires.tally.ledger.items()} == newest


def test_what_has_no_receipt_is_sent_again_byte_for_byte() -> None:
    wires = Wires()
    camera = started(wires)
    wires.pass_time(2.0)
    camera.stop_deciding()
    first = [message.payload for message in wires.line.published() if message.topic.endswith("/event")]
    wires.line.sent.clear()
    wires.pass_time(11.0)
    again = [message.payload for message in wires.line.published() if message.topic.endswith("/event")]
    assert again == first
    assert wires.tally.resent == len(first)


def test_after_a_lost_line_it_announces_itself_and_sends_what_waits() -> None:
    wires = Wires()
    camera = started(wires)
    wires.pass_time(3.0)
    decided = wires.tally.decided
    camera.session.lose("on purpose")
    wires.pass_time(5.0)
    wires.line.accept()
    assert len(wires.lines) == 2
    assert [message.retain for message in wires.line.published()[:3]] == [True] * 3
    assert [event.seq for event in events(wires)][:decided] == list(range(1, decided + 1))


def test_health_tells_how_much_waits() -> None:
    wires = Wires()
    camera = started(wires)
    wires.pass_time(HEALTH_S)
    topic = topics.health(DEVICE_ID)
    (message,) = [message for message in wires.line.published() if message.topic == topic]
    health = Health.decode(message.payload)
    assert (message.qos, message.retain, health.session, health.interval_s) == (0, False, 7, HEALTH_S)
    assert 0 < health.outbox_depth <= len(camera.outbox)


def test_receipts_that_are_foreign_or_unreadable_forget_nothing() -> None:
    wires = Wires()
    camera = started(wires)
    wires.pass_time(3.0)
    waiting = len(camera.outbox)
    foreign = Receipt(ts=NOW, outbox=DEVICE_OUTBOX, committed=[(1, 1000)], server_ts=NOW)
    hear(wires, foreign.encode())
    hear(wires, b"nonsense")
    assert len(camera.outbox) == waiting
    assert (wires.tally.foreign_receipts, wires.tally.losses["unreadable receipt"]) == (1, 1)


def test_a_stopping_camera_says_so_before_its_goodbye() -> None:
    wires = Wires()
    camera = started(wires, rate=0.0)
    wires.line.sent.clear()
    camera.stop()
    assert wires.line.kinds() == [packets.PUBLISH, packets.DISCONNECT]
    assert Presence.decode(wires.line.published()[0].payload).state is PresenceState.STOPPING


def test_a_skewed_clock_is_in_what_it_says() -> None:
    wires = Wires()
    camera = camera_on(wires)
    afflict([camera], {"skew": 1})
    assert abs(camera.now() - datetime.now(UTC)) > timedelta(minutes=5)


def test_garbage_goes_beside_the_events_and_none_of_it_can_be_read() -> None:
    wires = Wires()
    camera = camera_on(wires)
    afflict([camera], {"garbage": 1})
    camera.start()
    wires.pass_time(0.0)
    wires.line.accept()
    wires.pass_time(10.0)
    payloads = [message.payload for message in wires.line.published() if message.topic.endswith("/event")]
    broken = [payload for payload in payloads if not is_event(payload)]
    assert len(broken) == wires.tally.garbage > 5
    assert len(set(broken)) == len(broken)
    assert len(payloads) - len(broken) == wires.tally.decided


def test_each_fault_has_its_own_cameras_and_the_rest_stay_well() -> None:
    wires = Wires()
    cameras = [camera_on(wires) for _ in range(4)]
    afflict(cameras, {"skew": 1, "flood": 2})
    assert [bool(camera.clock_off) for camera in cameras] == [True, False, False, False]
    assert [camera.rate > 1 for camera in cameras] == [False, True, True, False]


@pytest.mark.parametrize("fault", ["drop", "half-open"])
def test_a_camera_whose_line_fails_again_and_again_loses_nothing(fault: str) -> None:
    wires = Wires()
    camera = camera_on(wires)
    FAULTS[fault](camera)
    camera.start()
    for _ in range(300):
        wires.pass_time(1.0)
        if wires.lines and not camera.session.is_up and not wires.line.is_closed and not wires.line.is_frozen:
            wires.line.accept()
        for line in wires.lines:
            line.sent.clear()
        confirm_some(wires, camera)
    assert len(wires.lines) > 3
    assert wires.tally.confirmed + len(camera.outbox) == wires.tally.decided > 100


def confirm_some(wires: Wires, camera: Camera) -> None:
    if camera.session.is_up:
        camera.session._unanswered.clear()
        confirm(wires, camera, (1, max(1, camera.outbox.last_seq - 2)))


def is_event(payload: bytes) -> bool:
    try:
        Event.decode(payload)
    except MalformedMessage:
        return False
    return True
