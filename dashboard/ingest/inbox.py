"""The bounded queue between the network thread, which stops reading when it is full, and the writer."""

import threading
from collections import deque
from dataclasses import dataclass, field

from fleet.mqtt import Received

MOST_MESSAGES = 2_000
MOST_BYTES = 32 * 1024 * 1024
# Of one batch: a thousand events that come alone, or some thousands that come packed; a commit stays short.
MOST_BATCH_BYTES = 1024 * 1024
ROOM_WAIT_S = 0.05


@dataclass(frozen=True)
class LinkChange:
    """Ingest's connection came up or went down, in its place among the messages."""

    is_up: bool


Item = Received | LinkChange


@dataclass
class Inbox:
    """First in, first out. A message that the broker does not keep (QoS 0) is dropped when there is no room."""

    most_messages: int = MOST_MESSAGES
    most_bytes: int = MOST_BYTES
    dropped: int = 0
    _items: deque[Item] = field(default_factory=deque)
    _bytes: int = 0
    _closed: bool = False
    _woken: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Add an item; waits for room, which stops the reading of the socket."""
        with self._changed:
            if self._is_full() and isinstance(item, Received) and item.qos == 0:
                self.dropped += 1
                return
            self._changed.wait_for(lambda: self._closed or not self._is_full())
            if self._closed:
                return
            self._items.append(item)
            self._bytes += _size(item)
            self._changed.notify_all()

    def put_all(self, messages: list[Received]) -> None:
        """Add messages without waiting; whoever reads them asks `has_room` first, and so never brings many too many."""
        with self._changed:
            if self._closed:
                return
            if self._is_full():
                kept = [item for item in messages if item.qos > 0]
                self.dropped += len(messages) - len(kept)
                messages = kept
            self._items.extend(messages)
            self._bytes += sum(map(_size, messages))
            self._changed.notify_all()

    def has_room(self) -> bool:
        """Say whether more may be put; waits a moment for it."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or not self._is_full(), timeout=ROOM_WAIT_S)

    def gather(self, wait_s: float, most: int, least: int = 1) -> list[Item]:
        """Wait until `least` items are there, or somebody wakes us; then take at once what there is.

        At most `most` items, and fewer when they are large: one that begins within `MOST_BATCH_BYTES` is the last.
        """
        taken: list[Item] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._has(least), timeout=wait_s)
            self._woken = False
            while self._items and len(taken) < most and size < MOST_BATCH_BYTES:
                taken.append(self._items.popleft())
                size += _size(taken[-1])
            self._bytes -= size
            self._changed.notify_all()
        return taken

    def wake(self) -> None:
        """Let `gather` take what there is."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody who waits go; nothing is added any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _has(self, least: int) -> bool:
        return self._closed or self._woken or len(self._items) >= least or self._is_full()

    def _is_full(self) -> bool:
        return len(self._items) >= self.most_messages or self._bytes >= self.most_bytes


def _size(item: Item) -> int:
    return len(item.payload) if isinstance(item, Received) else 0
