"""The audit chain: nothing can be changed, removed or slipped in unseen, and retention cuts only from the front."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.audit_chain import GENESIS, ChainedRow, canonical, check, link, sign_checkpoint
from fleet.pki import new_key, public_key_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = new_key()
PUBLIC = public_key_of(KEY)


def chain_of(count: int) -> list[ChainedRow]:
    rows: list[ChainedRow] = []
    for number in range(1, count + 1):
        at = NOW + timedelta(minutes=number)
        content: dict[str, Any] = {"at": at, "action": f"deed-{number}", "detail": {"n": number}}
        previous = rows[-1].hash or GENESIS if rows else GENESIS
        rows.append(ChainedRow(number, content, previous, link(previous, content)))
    return rows


def test_a_whole_chain_is_whole() -> None:
    verdict = check(chain_of(20), [], b"")
    assert (verdict.is_whole, verdict.rows) == (True, 20)


@given(st.integers(0, 19), st.sampled_from(["changed", "removed", "doubled", "rehashed"]))
def test_whatever_is_done_to_a_row_the_first_broken_one_is_named(at: int, deed: str) -> None:
    rows = chain_of(21)
    changed = {**rows[at].content, "action": "nothing happened"}
    if deed == "changed":
        rows[at] = replace(rows[at], content=changed)
    elif deed == "rehashed":
        rows[at] = replace(rows[at], content=changed, hash=link(rows[at].previous_hash or b"", changed))
    elif deed == "removed":
        del rows[at]
    else:
        rows.insert(at, replace(rows[at], id=rows[at].id))
    verdict = check(rows, [], b"")
    assert not verdict.is_whole
    assert verdict.broken_id in (at + 1, at + 2)


def test_rows_of_before_the_chain_come_first_only() -> None:
    old = [ChainedRow(number, {"action": "old"}, None, None) for number in (1, 2)]
    rows = [replace(row, id=row.id + 2) for row in chain_of(3)]
    assert check([*old, *rows], [], b"").is_whole
    assert not check([rows[0], old[0], *rows[1:]], [], b"").is_whole


def test_emptying_hashes_hides_nothing() -> None:
    rows = chain_of(4)
    emptied = [replace(row, hash=None, previous_hash=None) for row in rows[:2]]
    verdict = check([*emptied, *rows[2:]], [], b"")
    assert verdict.broken_id == 3


def test_what_retention_cut_is_vouched_for_by_its_checkpoint() -> None:
    rows = chain_of(10)
    checkpoint = sign_checkpoint(KEY, rows[5], NOW)
    assert check(rows[6:], [checkpoint], PUBLIC).is_whole
    assert check([], [checkpoint], PUBLIC).is_whole
    assert check(rows[7:], [checkpoint], PUBLIC).broken_id == 8
    assert check(rows[6:], [], PUBLIC).broken_id == 7


def test_a_checkpoint_by_another_key_or_for_another_hash_counts_for_nothing() -> None:
    rows = chain_of(10)
    foreign = sign_checkpoint(new_key(), rows[5], NOW)
    bent = replace(sign_checkpoint(KEY, rows[5], NOW), hash=rows[4].hash or b"")
    for bad in (foreign, bent):
        verdict = check(rows[6:], [bad], PUBLIC)
        assert "signature" in verdict.reason


def test_only_a_chained_row_can_be_vouched_for() -> None:
    with pytest.raises(ValueError, match="not in the chain"):
        sign_checkpoint(KEY, ChainedRow(1, {}, None, None), NOW)


def test_the_same_row_is_written_in_one_way_only() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    one = canonical({"b": (1, 2), "a": NOW, "c": {"ș": None}})
    assert one == canonical({"c": {"ș": None}, "a": elsewhere, "b": [1, 2]})
    with pytest.raises(TypeError):
        canonical({"a": object()})
