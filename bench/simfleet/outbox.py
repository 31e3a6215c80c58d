"""What a simulated camera has decided and nobody has confirmed, in memory. Pure: seconds are handed in."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

# As the agent's: rows sent and not confirmed at a time, and when to say again what has no receipt.
IN_FLIGHT = 500
RESEND_FIRST_S, RESEND_MOST_S = 10.0, 600.0


@dataclass(slots=True)
class Kept:
    """One message until its receipt: how often it was said, and how often since the last reconnect."""

    seq: int
    topic: str
    payload: bytes
    decided_s: float
    times: int = 0
    times_here: int = 0
    due_s: float = 0.0


@dataclass
class Outbox:
    """Numbers messages from 1 and keeps each until a receipt names it."""

    id: UUID = field(default_factory=uuid4)
    last_seq: int = 0
    _fresh: "deque[Kept]" = field(default_factory=deque)
    _sent: dict[int, Kept] = field(default_factory=dict)
    # Nothing that was sent is due again before this: looking at all of it each time would be dear.
    _look_again_s: float = 0.0

    def __len__(self) -> int:
        return len(self._fresh) + len(self._sent)

    def oldest_s(self, now_s: float) -> float:
        """Return how long the oldest has waited."""
        heads = [next(iter(self._sent.values()))] if self._sent else []
        heads += [self._fresh[0]] if self._fresh else []
        return now_s - min((kept.decided_s for kept in heads), default=now_s)

    def add(self, topic: str, payload: bytes, now_s: float) -> None:
        """Keep a message, which carries `last_seq + 1`."""
        self.last_seq += 1
        self._fresh.append(Kept(self.last_seq, topic, payload, now_s))

    def take_due(self, now_s: float) -> Kept | None:
        """Return what is to be sent next: again what waited too long for its receipt, then what is new."""
        if now_s >= self._look_again_s:
            again = next((kept for kept in self._sent.values() if kept.due_s <= now_s), None)
            if again is not None:
                return self._say(again, now_s)
            self._look_again_s = min((kept.due_s for kept in self._sent.values()), default=now_s + RESEND_FIRST_S)
        if not self._fresh or len(self._sent) >= IN_FLIGHT:
            return None
        kept = self._fresh.popleft()
        self._sent[kept.seq] = kept
        return self._say(kept, now_s)

    def reconnected(self) -> None:
        """Everything without a receipt is to be said again, oldest first."""
        for kept in self._sent.values():
            kept.times_here = 0
        self._fresh.extendleft(reversed(self._sent.values()))
        self._sent.clear()

    def settle(self, outbox: UUID, committed: Iterable[Sequence[int]]) -> list[Kept]:
        """Forget what a receipt names, and return it; a receipt for another outbox names nothing of this one."""
        if outbox != self.id:
            return []
        done: list[Kept] = []
        for low, high in committed:
            done += self._between(low, high)
        return done

    def _between(self, low: int, high: int) -> list[Kept]:
        if high - low < len(self._sent):
            found = [seq for seq in range(low, high + 1) if seq in self._sent]
        else:
            found = [seq for seq in self._sent if low <= seq <= high]
        waiting = [kept for kept in self._fresh if low <= kept.seq <= high] if self._fresh else []
        for kept in waiting:
            self._fresh.remove(kept)
        return [*(self._sent.pop(seq) for seq in found), *waiting]

    def _say(self, kept: Kept, now_s: float) -> Kept:
        kept.due_s = now_s + min(RESEND_FIRST_S * 2 ** min(kept.times_here, 30), RESEND_MOST_S)
        self._look_again_s = min(self._look_again_s, kept.due_s)
        kept.times, kept.times_here = kept.times + 1, kept.times_here + 1
        return kept
