"""A session against a real Mosquitto with mutual TLS."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fleet import topics
from fleet.home import CredentialFiles
from fleet.mqtt import Received, Session, SessionOptions, Will
from tests.support.broker import Mosquitto, running_broker
from tests.support.waiting import wait_until

CAMERA = "cam-front-gate"
INGEST = "srv-ingest-1"
SILENT = "srv-ingest-2"
EVENT = topics.event(CAMERA, "main")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_broker(tmp_path) as running:
        yield running


class Listener:
    """An ingest-like session that remembers what it got."""

    def __init__(self, broker: Mosquitto, *, manual_ack: bool = False) -> None:
        self.received: list[Received] = []
        options = SessionOptions(INGEST, manual_ack=manual_ack)
        self.session = Session(broker.servers, broker.credentials(INGEST), options)
        self.session.subscribe(topics.EVERYTHING_UP, 1, self.received.append)
        self.session.start()
        assert self.session.wait_connected(10)

    @property
    def payloads(self) -> list[bytes]:
        return [item.payload for item in self.received]


def camera_session(broker: Mosquitto, will: Will | None = None) -> Session:
    session = Session(broker.cameras, broker.credentials(CAMERA), SessionOptions(CAMERA, will=will))
    session.start()
    assert session.wait_connected(10)
    return session


def cut_the_line(session: Session) -> None:
    """Close the socket under a session, as a lost link does."""
    assert session._client is not None
    line = session._client.socket()
    assert line is not None
    line.shutdown(socket.SHUT_RDWR)


def test_a_message_is_delivered_and_its_acknowledgement_reported(broker: Mosquitto) -> None:
    listener, camera = Listener(broker), camera_session(broker)
    answered = threading.Event()
    assert camera.publish(EVENT, b"one", qos=1, acknowledged=lambda taken: answered.set() if taken else None)
    assert answered.wait(5)
    wait_until(lambda: listener.payloads == [b"one"], 5, "delivery")
    assert camera.pending == 0
    camera.stop()
    listener.session.stop()


def test_a_refused_message_is_reported_as_not_taken(broker: Mosquitto) -> None:
    camera = camera_session(broker)
    answers: list[bool] = []
    camera.publish(topics.event("cam-another-one", "main"), b"x", qos=1, acknowledged=answers.append)
    wait_until(lambda: answers == [False], 5, "refusal")
    camera.stop()


def test_nothing_is_accepted_while_the_broker_is_away(broker: Mosquitto) -> None:
    camera = camera_session(broker)
    broker.kill()
    wait_until(lambda: not camera.is_connected, 10, "the session notices")
    assert not camera.publish(EVENT, b"lost", qos=1)
    camera.stop()


def test_a_session_comes_back_after_the_broker_was_killed_and_subscribes_again(broker: Mosquitto) -> None:
    listener, camera = Listener(broker), camera_session(broker)
    broker.kill()
    wait_until(lambda: not camera.is_connected and not listener.session.is_connected, 10, "both notice")
    broker.start()
    wait_until(lambda: camera.is_connected and listener.session.is_connected, 20, "both come back")
    camera.publish(EVENT, b"again", qos=1)
    wait_until(lambda: b"again" in listener.payloads, 5, "delivery after the restart")
    camera.stop()
    listener.session.stop()


def test_what_was_not_acknowledged_is_delivered_again_to_the_next_connection(broker: Mosquitto) -> None:
    first, camera = Listener(broker, manual_ack=True), camera_session(broker)
    camera.publish(EVENT, b"kept", qos=1)
    camera.publish(EVENT, b"done", qos=1)
    wait_until(lambda: len(first.received) == 2, 5, "both arrive")
    first.session.acknowledge(next(item for item in first.received if item.payload == b"done"))
    first.session.stop()
    second = Listener(broker, manual_ack=True)
    wait_until(lambda: second.payloads == [b"kept"], 5, "only the unacknowledged one comes again")
    second.session.acknowledge(replace(second.received[0], connection=0))
    second.session.stop()
    third = Listener(broker, manual_ack=True)
    wait_until(lambda: third.payloads == [b"kept"], 5, "an acknowledgement of an older connection counts for nothing")
    third.session.stop()
    camera.stop()


def test_many_messages_are_acknowledged_at_once_and_none_of_them_comes_again(broker: Mosquitto) -> None:
    first, camera = Listener(broker, manual_ack=True), camera_session(broker)
    for number in range(300):
        camera.publish(EVENT, str(number).encode(), qos=1)
    wait_until(lambda: len(first.received) == 300, 10, "all arrive")
    first.session.acknowledge_all(first.received)
    first.session.stop()
    second = Listener(broker, manual_ack=True)
    camera.publish(EVENT, b"new", qos=1)
    wait_until(lambda: second.payloads, 5, "what is new")
    assert second.payloads == [b"new"]
    second.session.stop()
    camera.stop()


def test_lists_keep_the_order_and_each_handler_gets_its_own(broker: Mosquitto) -> None:
    events: list[bytes] = []
    others: list[bytes] = []
    session = Session(broker.servers, broker.credentials(INGEST), SessionOptions(INGEST))
    for heard, topic_filter in ((events, "fleet/v1/+/up/stream/+/event"), (others, topics.EVERYTHING_UP)):
        session.subscribe_many(topic_filter, 1, lambda many, heard=heard: heard.extend(one.payload for one in many))
    session.start()
    assert session.wait_connected(10)
    camera = camera_session(broker)
    told = [(EVENT if number % 10 else topics.birth(CAMERA), str(number).encode()) for number in range(20)]
    for topic, payload in told:
        camera.publish(topic, payload, qos=1)
    wait_until(lambda: len({*events, *others}) == len(told), 10, "everything")
    # Two subscriptions that overlap may bring a message twice.
    assert list(dict.fromkeys(events)) == [payload for topic, payload in told if topic == EVENT]
    assert list(dict.fromkeys(others)) == [payload for topic, payload in told if topic != EVENT]
    camera.stop()
    session.stop()


def test_a_full_reader_leaves_messages_at_the_broker_and_keeps_its_connection(broker: Mosquitto) -> None:
    room, losses, heard = threading.Event(), list[str](), list[bytes]()
    reader = Session(
        broker.servers,
        broker.credentials(INGEST),
        SessionOptions(INGEST, manual_ack=True, keepalive_s=2),
        on_disconnected=losses.append,
        has_room=lambda: not reader.is_connected or room.wait(0.02),
    )
    reader.subscribe(topics.EVERYTHING_UP, 1, lambda received: heard.append(received.payload))
    reader.start()
    assert reader.wait_connected(10)
    camera = camera_session(broker)
    camera.publish(EVENT, b"waits", qos=1)
    await_a_silent_one_thrown_out(broker)
    assert heard == []
    room.set()
    wait_until(lambda: heard == [b"waits"], 10, "it is read once there is room")
    camera.publish(EVENT, b"goes on", qos=1)
    wait_until(lambda: heard == [b"waits", b"goes on"], 10, "what comes after it")
    assert losses == []
    camera.stop()
    reader.stop()


def test_the_will_is_sent_only_when_the_session_dies_without_goodbye(broker: Mosquitto) -> None:
    listener = Listener(broker)
    will = Will(topics.presence(CAMERA), b"dead", delay=timedelta(0))
    polite = camera_session(broker, will)
    polite.stop()
    rude = camera_session(broker, will)
    assert listener.payloads == []
    rude.publish(EVENT, b"alive", qos=1)
    wait_until(lambda: rude.pending == 0, 5, "the broker has it")
    cut_the_line(rude)
    wait_until(lambda: listener.payloads == [b"alive", b"dead"], 10, "the will follows the last message")
    rude.stop()
    listener.session.stop()


def test_without_a_broker_the_reason_is_said_for_people(broker: Mosquitto) -> None:
    broker.stop()
    reasons: list[str] = []
    session = Session(
        broker.cameras, broker.credentials(CAMERA), SessionOptions(CAMERA), on_disconnected=reasons.append
    )
    session.start()
    wait_until(lambda: reasons, 10, "a reason")
    assert reasons[0] == "nobody listens there: is the broker running?"
    session.stop()


def test_a_missing_certificate_is_said_for_people(broker: Mosquitto) -> None:
    files = broker.files_of(CAMERA)
    files.key.unlink()
    reasons: list[str] = []
    session = Session(broker.cameras, files, SessionOptions(CAMERA), on_disconnected=reasons.append)
    session.start()
    wait_until(lambda: reasons, 10, "a reason")
    session.stop()
    assert "key" in reasons[0] or "missing file" in reasons[0]


def test_a_handler_that_fails_costs_one_connection_not_the_session(broker: Mosquitto) -> None:
    seen: list[bytes] = []

    def handle(received: Received) -> None:
        seen.append(received.payload)
        if received.payload == b"bad" and len(seen) == 1:
            raise RuntimeError("defect")

    session = Session(broker.servers, broker.credentials(INGEST), SessionOptions(INGEST, manual_ack=True))
    session.subscribe(topics.EVERYTHING_UP, 1, handle)
    session.start()
    assert session.wait_connected(10)
    camera = camera_session(broker)
    camera.publish(EVENT, b"bad", qos=1)
    wait_until(lambda: seen == [b"bad", b"bad"], 20, "it is delivered again after the reconnect")
    camera.stop()
    session.stop()


def test_a_reconnect_takes_new_credentials_in_the_same_session_and_no_will_appears(
    broker: Mosquitto, tmp_path: Path
) -> None:
    listener, losses = Listener(broker), list[str]()
    present: list[bool] = []
    will = Will(topics.presence(CAMERA), b"dead", delay=timedelta(seconds=2))
    camera = Session(
        broker.cameras,
        broker.credentials(CAMERA),
        SessionOptions(CAMERA, will=will),
        on_connected=present.append,
        on_disconnected=losses.append,
    )
    camera.start()
    assert camera.wait_connected(10)
    # Only with the new pair can it connect from now on.
    fresh = broker.authorities.write_client(tmp_path / "fresh", CAMERA)
    broker.files_of(CAMERA).key.unlink()
    camera.reconnect(fresh)
    wait_until(lambda: len(present) == 2, 10, "the next connection")
    assert present == [False, True]
    assert losses == []
    assert not wait_nothing(lambda: listener.payloads, 3)
    camera.publish(EVENT, b"after", qos=1)
    wait_until(lambda: listener.payloads == [b"after"], 5, "delivery over the new connection")
    camera.stop()
    listener.session.stop()


def test_a_reconnect_that_never_succeeds_lets_the_will_speak(broker: Mosquitto, tmp_path: Path) -> None:
    listener = Listener(broker)
    camera = camera_session(broker, Will(topics.presence(CAMERA), b"dead", delay=timedelta(seconds=1)))
    camera.reconnect(CredentialFiles(tmp_path / "nothing-here"))
    wait_until(lambda: listener.payloads == [b"dead"], 10, "the will")
    camera.reconnect(broker.credentials(CAMERA))
    wait_until(lambda: camera.is_connected, 5, "the way back, without waiting out a retry")
    camera.stop()
    listener.session.stop()


def await_a_silent_one_thrown_out(broker: Mosquitto) -> None:
    """Return when the broker has thrown out somebody who stayed silent from now on, with a keepalive of two seconds."""
    over = threading.Event()
    silent = Session(
        broker.servers,
        broker.credentials(SILENT),
        SessionOptions(SILENT, keepalive_s=2),
        has_room=lambda: not silent.is_connected or over.wait(60),
    )
    silent.subscribe(topics.EVERYTHING_UP, 1, lambda _received: None)
    silent.start()
    wait_until(lambda: f"Client {SILENT} has exceeded timeout" in broker.log, 30, "the silent one is thrown out")
    over.set()
    silent.stop()


def wait_nothing(happened: Callable[[], object], for_s: float) -> bool:
    """Whether something happened within `for_s`, which is expected to pass without."""
    with contextlib.suppress(AssertionError):
        return bool(wait_until(happened, for_s, "nothing"))
    return False
