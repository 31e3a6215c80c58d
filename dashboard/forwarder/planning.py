"""How far a cursor may go, how long to wait, and what fits into one request. Pure."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile

from dashboard.forwarder.target import Message, Trouble, Verdict

LONGEST_ASKED_S = 900.0


@dataclass(frozen=True)
class Pauses:
    """Seconds to wait after the first failure in a row and at most; each failure doubles the wait."""

    away_first_s: float = 1.0
    away_most_s: float = 60.0
    refused_first_s: float = 30.0
    refused_most_s: float = 900.0

    def after(self, trouble: Trouble, failures: int) -> float:
        """Return how long to wait after the `failures`-th failure in a row (1 is the first).

        A receiver may ask for more patience, and gets it within reason.
        """
        is_away = trouble.verdict is Verdict.AWAY
        first, most = (self.away_first_s, self.away_most_s) if is_away else (self.refused_first_s, self.refused_most_s)
        own = min(most, first * 2.0 ** min(failures - 1, 32))
        return max(own, min(trouble.retry_after_s or 0.0, LONGEST_ASKED_S))


def taken_in_front(change_seqs: Sequence[int], taken: Set[int]) -> int:
    """Return how many messages from the front are all taken: the cursor must not pass one that is not."""
    return sum(1 for _ in takewhile(taken.__contains__, change_seqs))


def batches(messages: Sequence[Message], most: int, most_bytes: int) -> Iterator[list[Message]]:
    """Yield messages in their order, at most so many and so many bytes of JSON together; one alone may be larger."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        # One byte for the comma.
        if batch and (len(batch) == most or size + len(message.body) + 1 > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.body) + 1
    if batch:
        yield batch
