"""Free loopback ports for servers that tests start."""

import os
import random
import socket

# Below the system's ephemeral range: no outgoing connection takes a port between two lives of a server on it.
LOWEST, HIGHEST = 15_000, 31_000
_chooser = random.Random(os.getpid())  # noqa: S311  (not a secret; each test process looks elsewhere first)
_given: set[int] = set()


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that was free a moment ago and that this process has not given before."""
    while True:
        port = _chooser.randrange(LOWEST, HIGHEST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def free_span(count: int) -> int:
    """Return the first of `count` ports in a row that were all free a moment ago."""
    while True:
        first = _chooser.randrange(LOWEST, HIGHEST - count)
        span = range(first, first + count)
        if not _given.intersection(span) and all(map(_is_free, span)):
            _given.update(span)
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
