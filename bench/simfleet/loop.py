"""One thread for everybody: sockets that are ready and moments that have come."""

import heapq
import itertools
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST_WAIT_S = 0.5
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

Action = Callable[[], None]


@dataclass
class Loop:
    """`now_s` is monotonic and is read once for each turn: what happens in a turn happens at one time."""

    now_s: float = field(default_factory=time.monotonic)
    # How late something due was done, at worst: what this thread cannot keep up with is not the host's fault.
    worst_late_s: float = 0.0
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _due: list[tuple[float, int, Action]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)

    def after(self, seconds: float, action: Action) -> None:
        """Have `action` called once, so much later."""
        heapq.heappush(self._due, (self.now_s + seconds, next(self._order), action))

    def watch(self, line: socket.socket, events: int, action: Action) -> None:
        """Have `action` called whenever the socket is ready for one of `events`; replaces what was asked before."""
        if line.fileno() in self._selector.get_map():
            self._selector.modify(line, events, action)
        else:
            self._selector.register(line, events, action)

    def forget(self, line: socket.socket) -> None:
        """Look at a socket no more."""
        if line.fileno() in self._selector.get_map():
            self._selector.unregister(line)

    def run_until(self, is_over: Callable[[], bool]) -> None:
        """Work until `is_over`, which is asked once a turn."""
        self.now_s = time.monotonic()
        while not is_over():
            wait_s = min(LONGEST_WAIT_S, self._due[0][0] - self.now_s) if self._due else LONGEST_WAIT_S
            ready = self._selector.select(max(0.0, wait_s))
            self.now_s = time.monotonic()
            for key, _ in ready:
                key.data()
            while self._due and self._due[0][0] <= self.now_s:
                due_s, _, action = heapq.heappop(self._due)
                self.worst_late_s = max(self.worst_late_s, self.now_s - due_s)
                action()

    def run_for(self, seconds: float) -> None:
        """Work for so long."""
        end_s = time.monotonic() + seconds
        self.run_until(lambda: self.now_s >= end_s)

    def close(self) -> None:
        """Let everything go."""
        self._selector.close()
        self._due.clear()
