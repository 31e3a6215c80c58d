"""A chain of hashes over audit rows: whoever changes or removes one breaks it for all to see. Pure.

Each program keeps one chain. A row's hash covers the hash before it and the row itself; what retention has cut from
the front is vouched for by a signed checkpoint, which also tells when the chain's end was cut off.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet.pki import public_key_of, sign, signature_is_right

GENESIS = bytes(32)


@dataclass(frozen=True)
class ChainedRow:
    """An audit row as stored. Rows of releases before the chain have no hashes."""

    id: int
    content: Mapping[str, Any]
    previous_hash: bytes | None
    hash: bytes | None


@dataclass(frozen=True)
class Checkpoint:
    """The signed word that the chain had this hash at this row."""

    up_to_id: int
    hash: bytes
    signed_at: datetime
    signature: bytes
    public_key: bytes


@dataclass(frozen=True)
class Verdict:
    """What a check found: how many rows hang together, and the first that does not."""

    rows: int
    broken_id: int | None = None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.reason


def link(previous_hash: bytes, content: Mapping[str, Any]) -> bytes:
    """Return the hash of a row that follows `previous_hash`."""
    return hashlib.sha256(b"camfleet/audit" + previous_hash + canonical(content)).digest()


def canonical(content: Mapping[str, Any]) -> bytes:
    """Return the one way of writing a row as JSON: sorted keys, no spaces, times in UTC to the microsecond."""
    # Once through JSON first: what the database gives back has text for keys and lists for tuples.
    plain = json.loads(json.dumps(dict(content), default=_time_text))
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sign_checkpoint(key: bytes, row: ChainedRow, now: datetime) -> Checkpoint:
    """Vouch for the chain up to a row, with a PEM private key."""
    if row.hash is None:
        raise ValueError(f"row {row.id} is not in the chain")
    return Checkpoint(row.id, row.hash, now, sign(key, _message(row.id, row.hash)), public_key_of(key))


def check(rows: Iterable[ChainedRow], checkpoints: Sequence[Checkpoint], public_key: bytes) -> Verdict:
    """Follow the chain through rows in the order of their ids; `public_key` is the one that must have signed."""
    signed: dict[int, bytes] = {}
    for checkpoint in checkpoints:
        if not _is_genuine(checkpoint, public_key):
            return Verdict(0, checkpoint.up_to_id, "its checkpoint's signature is not by this host's key")
        signed[checkpoint.up_to_id] = checkpoint.hash
    return _follow(rows, signed)


def _follow(rows: Iterable[ChainedRow], signed: Mapping[int, bytes]) -> Verdict:
    count, last_id, previous = 0, 0, None
    for row in rows:
        if previous is None and row.hash is None:
            # Written before there was a chain. Nobody gains by emptying hashes: the next row then follows nothing.
            continue
        if previous is None:
            previous = _start(row, signed)
        reason = _fault(row, previous, signed)
        if reason:
            return Verdict(count, row.id, reason)
        count, last_id, previous = count + 1, row.id, row.hash
    newest = max(signed, default=0)
    # Retention may have cut everything: then the newest checkpoint stands for all of it.
    if count and newest > last_id:
        return Verdict(count, newest, f"rows after {last_id} are missing: a checkpoint vouches for them")
    return Verdict(count)


def _start(row: ChainedRow, signed: Mapping[int, bytes]) -> bytes:
    """Return the hash that the first row of the chain must follow."""
    cut = [up_to for up_to in signed if up_to < row.id]
    return signed[max(cut)] if cut else GENESIS


def _fault(row: ChainedRow, previous: bytes | None, signed: Mapping[int, bytes]) -> str:
    if row.hash is None or row.previous_hash is None:
        return "it has no hash"
    if row.previous_hash != previous:
        return "it does not follow the row before it: one was removed, added or moved"
    if row.hash != link(row.previous_hash, row.content):
        return "its content is not what was written"
    if signed.get(row.id, row.hash) != row.hash:
        return "a checkpoint vouches for another hash"
    return ""


def _is_genuine(checkpoint: Checkpoint, public_key: bytes) -> bool:
    message = _message(checkpoint.up_to_id, checkpoint.hash)
    return checkpoint.public_key == public_key and signature_is_right(public_key, checkpoint.signature, message)


def _message(up_to_id: int, row_hash: bytes) -> bytes:
    return b"camfleet/checkpoint" + str(up_to_id).encode() + b":" + row_hash


def _time_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} has no place in an audit row")
