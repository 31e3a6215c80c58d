"""Publishers that cost little: pre-built packets over mutual TLS, many to a write, PUBACKs counted, not read.

A program of its own, so that it shares nothing with what is measured: `python -m bench.ingest_load PLAN`, PLAN being
JSON; it says `ready`, and for each line on its stdin publishes everything once and answers with a line of JSON.
"""

import json
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench.ingest_events import Packets, connect_packet, device_ids, make_packets
from fleet.home import CredentialFiles, Home
from fleet.tls import client_context

T = TypeVar("T")

CHUNK = 40
WINDOW = 480
READ_BYTES = 262_144
PATIENCE_S = 60.0
TICK_S = 0.002
DISCONNECT = b"\xe0\x00"


class LoadFailed(Exception):
    """The broker took no more; the figure would be of something else."""


@dataclass(frozen=True)
class Plan:
    """What to publish where; `per_s` is the rate of all cameras together, 0 as fast as the broker takes it."""

    home: str
    port: int
    cameras: int
    events: int
    seed: int
    per_s: float = 0.0

    def as_text(self) -> str:
        """Return the program's argument."""
        return json.dumps(asdict(self))


@dataclass
class Publisher:
    """One camera's connection. After its CONNACK the broker sends nothing but PUBACKs, one TLS record each."""

    packets: Packets
    tls: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    line: socket.socket
    sent: int = 0
    answered: int = 0
    sent_at: list[tuple[int, float]] = field(default_factory=list)
    _unsent: bytes = b""
    _record_rest: int = 0
    _head: bytes = b""

    @property
    def is_done(self) -> bool:
        """Say whether the broker has answered everything."""
        return self.answered >= len(self.packets)

    @property
    def room(self) -> int:
        """Return how many further packets may be sent now."""
        return min(len(self.packets) - self.sent, WINDOW - (self.sent - self.answered))

    def send(self, count: int) -> None:
        """Send `count` further packets in one write, or what an earlier write has left over."""
        if not self._unsent:
            if not count:
                return
            starts = self.packets.starts
            self.tls.write(self.packets.content[starts[self.sent] : starts[self.sent + count]])
            self.sent += count
            self.sent_at.append((self.sent, time.time()))
            self._unsent = self.outgoing.read()
        try:
            self._unsent = self._unsent[self.line.send(self._unsent) :]
        except BlockingIOError:
            return

    def take_answers(self) -> None:
        """Count the records that have come, without decrypting them."""
        try:
            content = self._head + self.line.recv(READ_BYTES)
        except BlockingIOError:
            return
        if len(content) == len(self._head):
            raise LoadFailed(f"the broker closed the connection of {self.packets.device_id}")
        at, end = self._record_rest, len(content)
        while at + 5 <= end:
            at += 5 + (content[at + 3] << 8 | content[at + 4])
            self.answered += 1
        self._head = content[at:] if at < end else b""
        self._record_rest = max(0, at - end)

    def close(self) -> None:
        """Say goodbye."""
        self.line.setblocking(True)
        self.tls.write(DISCONNECT)
        self.line.sendall(self._unsent + self.outgoing.read())
        self.line.close()


def connect(port: int, credentials: CredentialFiles, packets: Packets) -> Publisher:
    """Connect a camera and wait until the broker has accepted it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(credentials).wrap_bio(incoming, outgoing, server_hostname="localhost")
    line = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    publisher = Publisher(packets, tls, incoming, outgoing, line)
    _complete(publisher, tls.do_handshake)
    tls.write(connect_packet(packets.device_id))
    answer = _complete(publisher, lambda: tls.read(READ_BYTES))
    if answer[0] != 0x20 or answer[3] != 0:
        raise LoadFailed(f"the broker refused {packets.device_id}: {answer!r}")
    line.setblocking(False)
    return publisher


def _complete(publisher: Publisher, step: Callable[[], T]) -> T:
    while True:
        try:
            done = step()
        except ssl.SSLWantReadError:
            publisher.line.sendall(publisher.outgoing.read())
            publisher.incoming.write(publisher.line.recv(READ_BYTES))
        else:
            publisher.line.sendall(publisher.outgoing.read())
            return done


def publish_all(publishers: Sequence[Publisher], per_s: float) -> float:
    """Publish everything, at a rate or as fast as the broker takes it; returns the seconds until its last answer."""
    began = time.perf_counter()
    while not all(publisher.is_done for publisher in publishers):
        due = (time.perf_counter() - began) * per_s / len(publishers) if per_s else float("inf")
        for publisher in publishers:
            publisher.take_answers()
            count = min(CHUNK, publisher.room, max(0.0, due - publisher.sent))
            if per_s or count in (CHUNK, len(publisher.packets) - publisher.sent):
                publisher.send(int(count))
        if time.perf_counter() - began > PATIENCE_S * 4:
            raise LoadFailed("the broker does not answer")
        time.sleep(TICK_S)
    return time.perf_counter() - began


def publish_once(plan: Plan, made: Sequence[Packets]) -> dict[str, Any]:
    """Connect every camera, publish everything and close; returns when it began, and the times at a rate."""
    home = Home(Path(plan.home))
    publishers = [connect(plan.port, home.credentials(packets.device_id), packets) for packets in made]
    began_at = time.time()
    seconds = publish_all(publishers, plan.per_s)
    for publisher in publishers:
        publisher.close()
    sent_at = {publisher.packets.device_id: publisher.sent_at for publisher in publishers}
    return {"began_at": began_at, "seconds": seconds, "sent_at": sent_at if plan.per_s else {}}


def main() -> int:
    """Make the packets, then publish them once for each line on stdin."""
    plan = Plan(**json.loads(sys.argv[1]))
    made = [
        make_packets(device_id, plan.events, plan.seed + number)
        for number, device_id in enumerate(device_ids(plan.cameras))
    ]
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(publish_once(plan, made)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
