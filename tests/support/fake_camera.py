"""A camera in ten lines: a session with mutual TLS that says what the test wants and keeps its receipts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet import topics
from fleet.messages import Event, Health, Message, Receipt
from fleet.mqtt import Received, Session, SessionOptions, Will
from tests.support import camera_words
from tests.support.broker import Mosquitto

RETAINED = {"presence", "birth", "status"}


@dataclass
class FakeCamera:
    """Speaks for one device over its own session."""

    device_id: str
    session: Session
    receipts: list[Receipt] = field(default_factory=list)

    def say(self, message: Message) -> None:
        """Publish a message on its own topic."""
        topic = camera_words.topic_of(message, self.device_id)
        qos = 0 if isinstance(message, Health) else 1
        retain = topic.rsplit("/", 1)[1] in RETAINED
        assert self.session.publish(topic, message.encode(), qos=qos, retain=retain)

    def event(self, seq: int, **given: Any) -> Event:
        """Publish an event of now and return it."""
        message = camera_words.event(seq, now=datetime.now(UTC), **given)
        self.say(message)
        return message

    def confirmed(self) -> set[int]:
        """Every seq that a receipt has named."""
        return {seq for receipt in self.receipts for low, high in receipt.committed for seq in range(low, high + 1)}

    def take_receipt(self, received: Received) -> None:
        """Remember a receipt."""
        self.receipts.append(Receipt.decode(received.payload))


@contextmanager
def camera(broker: Mosquitto, device_id: str = camera_words.CAMERA, *, will_after_s: float = 1) -> Iterator[FakeCamera]:
    """Connect a camera whose will comes soon after it is lost."""
    dying = camera_words.presence("offline", now=datetime.now(UTC)).encode()
    will = Will(topics.presence(device_id), dying, delay=timedelta(seconds=will_after_s))
    session = Session(broker.cameras, broker.credentials(device_id), SessionOptions(device_id, will=will))
    speaker = FakeCamera(device_id, session)
    session.subscribe(topics.receipt(device_id), 1, speaker.take_receipt)
    session.start()
    assert session.wait_connected(10)
    try:
        yield speaker
    finally:
        session.stop()
