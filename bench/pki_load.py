"""Drive POST /config/enrol as hard as it goes: kept connections, requests made beforehand, as little work as can be."""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

# Many more than the server answers at once: the kernel deals connections to the workers by chance, and few would
# leave one of them idle.
CONNECTIONS = 32
PATIENCE_S = 60.0


class EnrolmentFailed(Exception):
    """An answer was not 200: the figure would be of something else."""


@dataclass
class Answers:
    """What came back, and how long each took; `failure` keeps the first answer that was no 200."""

    seconds: list[float] = field(default_factory=list)
    failure: str | None = None


def request_of(port: int, path: str, body: dict[str, str]) -> bytes:
    """Return the bytes of one POST with a JSON body."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def requests_per_second(port: int, requests: Sequence[bytes]) -> float:
    """Send every request once; each connection takes the next one when it has its answer. Raises EnrolmentFailed."""
    waiting = deque(requests)
    answers = [Answers() for _ in range(CONNECTIONS)]
    threads = [
        threading.Thread(target=_send, args=(port, waiting, into), name=f"load-{number}")
        for number, into in enumerate(answers)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    failures = [each.failure for each in answers if each.failure]
    if failures:
        raise EnrolmentFailed(failures[0])
    return len(requests) / took


def _send(port: int, waiting: deque[bytes], into: Answers) -> None:
    connection = _connect(port)
    while (request := _next(waiting)) is not None:
        began = time.perf_counter()
        answer = _exchange(connection, request)
        into.seconds.append(time.perf_counter() - began)
        if not answer.startswith(b"HTTP/1.1 200"):
            into.failure = answer[:600].decode(errors="replace")
            break
        if b"connection: close" in answer[:600].lower():
            # A worker that has served its share ends; the next one takes over.
            connection.close()
            connection = _connect(port)
    connection.close()


def _next(waiting: deque[bytes]) -> bytes | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send one request and read its whole answer, which says its length."""
    connection.sendall(request)
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += _more(connection, answer)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection, answer)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket, so_far: bytes) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise ConnectionError(f"the server ended the connection after {so_far[:200]!r}")
    return part
