"""The broker's own limit: a subscriber that only counts, cheaply, so that the broker is what is busy.

Packets are cut from whole buffers, TLS is read over memory, the PUBACKs of a read go in one write; nothing is stored:
`python -m bench.ingest_count PLAN`; it says `ready`, then when the last event came.
"""

import contextlib
import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.ingest_bare import Plan
from bench.ingest_events import connect_packet, subscribe_packet
from fleet.home import CredentialFiles
from fleet.mqtt_client import Packets, Received, pubacks
from fleet.mqtt_tls import MemoryTls
from fleet.tls import client_context

CONNACK, SUBACK = 0x20, 0x90
PATIENCE_S = 60.0
LARGEST = 1 << 20


class Counter:
    """Counts messages and acknowledges them."""

    def __init__(self, line: MemoryTls) -> None:
        self.seen = 0
        self.others: list[int] = []
        self._line = line

    def take(self, messages: list[Received]) -> None:
        """Count a list of messages."""
        self.seen += len(messages)
        self._line.send(pubacks([message.mid for message in messages]))

    def take_other(self, command: int, _body: bytes) -> None:
        """Remember what answers came."""
        self.others.append(command & 0xF0)


def main() -> int:
    """Count to the end; prints when it came."""
    plan = Plan(**json.loads(sys.argv[1]))
    line = _connect(plan)
    counter = Counter(line)
    packets = Packets(1, LARGEST, counter.take, counter.take_other)
    line.send(connect_packet(plan.client_id))
    reading = _reading(line)
    while CONNACK not in counter.others:
        packets.take(next(reading))
    line.send(subscribe_packet(plan.topic_filter))
    while SUBACK not in counter.others:
        packets.take(next(reading))
    print("ready", flush=True)
    while counter.seen < plan.events:
        packets.take(next(reading))
    print(json.dumps({"ended_at": time.time()}), flush=True)
    line.close()
    return 0


def _connect(plan: Plan) -> MemoryTls:
    folder = CredentialFiles(Path(plan.folder))
    line = MemoryTls(
        socket.create_connection(("127.0.0.1", plan.port), PATIENCE_S), client_context(folder), "localhost"
    )
    line.do_handshake(PATIENCE_S)
    line.setblocking(False)
    return line


def _reading(line: MemoryTls) -> Iterator[bytes]:
    while True:
        select.select([line], [line] if line.has_unsent else [], [], PATIENCE_S)
        with contextlib.suppress(BlockingIOError):
            line.flush()
        with contextlib.suppress(BlockingIOError):
            content = line.read_all()
            if not content:
                raise ConnectionError("the broker closed the connection")
            yield content


if __name__ == "__main__":
    sys.exit(main())
