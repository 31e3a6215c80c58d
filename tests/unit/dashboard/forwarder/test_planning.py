"""How far a cursor may go, how long the forwarder waits, and what fits into one request."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.forwarder.planning import LONGEST_ASKED_S, Pauses, batches, taken_in_front
from dashboard.forwarder.signature import sign
from dashboard.forwarder.target import Message, Trouble, Verdict

AWAY, REFUSED = Trouble(Verdict.AWAY, "500"), Trouble(Verdict.REFUSED, "401")


@given(seqs=st.lists(st.integers(1, 10**6), unique=True, max_size=40).map(sorted), data=st.data())
def test_a_cursor_never_passes_a_message_that_was_not_taken(seqs: list[int], data: st.DataObject) -> None:
    taken = set(data.draw(st.lists(st.sampled_from(seqs)))) if seqs else set()
    front = taken_in_front(seqs, taken)
    assert set(seqs[:front]) <= taken
    assert front == len(seqs) or seqs[front] not in taken


def test_pauses_double_up_to_their_most_and_a_refusal_waits_longer() -> None:
    pauses = Pauses()
    assert [pauses.after(AWAY, failures) for failures in (1, 2, 3, 7, 5_000)] == [1, 2, 4, 60, 60]
    assert [pauses.after(REFUSED, failures) for failures in (1, 2, 6, 5_000)] == [30, 60, 900, 900]


@pytest.mark.parametrize(("asked", "expected"), [(None, 1.0), (0.0, 1.0), (30.0, 30.0), (1e9, LONGEST_ASKED_S)])
def test_a_receiver_that_asks_for_patience_gets_it_within_reason(asked: float | None, expected: float) -> None:
    assert Pauses().after(Trouble(Verdict.AWAY, "429", asked), 1) == expected


@given(sizes=st.lists(st.integers(1, 60), max_size=60), most=st.integers(1, 9), most_bytes=st.integers(1, 80))
def test_batches_keep_every_message_in_order_and_stay_small(sizes: list[int], most: int, most_bytes: int) -> None:
    messages = [Message(seq, "cam-front-door", b"x" * size) for seq, size in enumerate(sizes)]
    cut = list(batches(messages, most, most_bytes))
    assert [message for batch in cut for message in batch] == messages
    for batch in cut:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(len(message.body) + 1 for message in batch) <= most_bytes


def test_a_signature_covers_the_moment_and_the_body() -> None:
    header = sign("a secret of mine", 1_790_000_000, b'{"events":[]}')
    digest = hmac.new(b"a secret of mine", b'1790000000.{"events":[]}', hashlib.sha256).hexdigest()
    assert header == f"t=1790000000,v1={digest}"
    others = [
        sign("a secret of mine", 1_790_000_001, b'{"events":[]}'),
        sign("a secret of mine", 1_790_000_000, b'{"events": []}'),
        sign("another secret..", 1_790_000_000, b'{"events":[]}'),
    ]
    assert len({header.partition("v1=")[2], *(other.partition("v1=")[2] for other in others)}) == 4
