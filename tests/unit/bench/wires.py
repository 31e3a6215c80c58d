"""A fake line and a fake broker behind it, so that sessions are tested without sockets."""

import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.simfleet import packets
from bench.simfleet.device import Device
from bench.simfleet.loop import Loop
from bench.simfleet.packets import Message, Packet, Reader
from bench.simfleet.session import Session
from bench.simfleet.tally import Tally
from fleet.home import CredentialFiles

DEVICE_ID = "cam-simulated-1"
ACCEPTED = b"\0\0\0"


class FakeDevice(Device):
    """A device whose certificate is never looked at."""

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


DEVICE = FakeDevice(DEVICE_ID, CredentialFiles(Path("nowhere")), "localhost", ("127.0.0.1", 1))


@dataclass
class FakeLine:
    """Keeps what is sent, cut into packets; the test says what the broker answers."""

    loop: Loop
    talker: Session
    sent: list[Packet] = field(default_factory=list)
    is_closed: bool = False
    is_frozen: bool = False
    _reader: Reader = field(default_factory=Reader)

    def open(self, server: object, name: str, context: object) -> None:
        self.talker.opened()

    def send(self, content: bytes) -> None:
        self.sent += self._reader.feed(content)

    def freeze(self) -> None:
        self.is_frozen = True

    def close(self) -> None:
        self.is_closed = True

    def answer(self, kind: int, body: bytes, flags: int = 0) -> None:
        self.talker.heard(Packet(kind, flags, body))

    def accept(self, properties: bytes = b"\0") -> None:
        self.answer(packets.CONNACK, b"\0\0" + properties)

    def kinds(self) -> list[int]:
        return [packet.kind for packet in self.sent]

    def published(self) -> list[Message]:
        return [packets.read_publish(packet) for packet in self.sent if packet.kind == packets.PUBLISH]

    def take_publishes(self) -> None:
        """Answer every QoS 1 message that has no answer yet, and forget what was sent."""
        mids = [message.mid for message in self.published() if message.qos]
        self.sent.clear()
        for mid in mids:
            self.answer(packets.PUBACK, mid.to_bytes(2))


@dataclass
class Wires:
    """Every line that a session has made, the newest last; time stands until the test moves it."""

    loop: Loop = field(default_factory=lambda: Loop(now_s=1000.0))
    lines: list[FakeLine] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    @property
    def line(self) -> FakeLine:
        return self.lines[-1]

    def make(self, loop: Loop, talker: Session) -> FakeLine:
        self.lines.append(FakeLine(loop, talker))
        return self.line

    def pass_time(self, seconds: float) -> None:
        """Do what is due until then, at its own moment."""
        end_s = self.loop.now_s + seconds
        while self.loop._due and self.loop._due[0][0] <= end_s:
            self.loop.now_s = max(self.loop.now_s, self.loop._due[0][0])
            self.loop._due.pop(0)[2]()
            self.loop._due.sort()
        self.loop.now_s = end_s


def session_on(wires: Wires, on_message: Callable[[Message], None] = lambda _: None) -> Session:
    """A session that is connecting."""
    session = Session(
        DEVICE,
        wires.loop,
        wires.tally,
        random.Random(1),  # noqa: S311  (not a secret)
        spread_s=0.0,
        make_will=lambda: Message("will", b"gone", 1, retain=True),
        on_up=lambda: None,
        on_message=on_message,
        make_line=wires.make,
    )
    session.connect()
    return session
