"""Seal a long stream chunk by chunk under a passphrase: no chunk can be changed, moved, left out or added unnoticed.

AES-256-GCM under a key that scrypt makes of the passphrase and a salt of this stream alone. A chunk's nonce is its
place and whether it is the last (the STREAM construction); every chunk is bound to the header, which says how the key
is made.
"""

from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

SALT_BYTES = 32
TAG_BYTES = 16
_KEY_BYTES = 32
_PLACE_BYTES = 11
_LAST, _NOT_LAST = b"\x01", b"\x00"


class WrongPassphrase(ValueError):
    """The passphrase is not the one that sealed this stream (or its header was altered)."""


class ChunkAltered(ValueError):
    """A chunk is not what was sealed in its place."""


@dataclass(frozen=True)
class ScryptCost:
    """How dear a guess is: 128·n·r bytes of memory, n·r·p of work."""

    n: int = 2**17
    r: int = 8
    p: int = 1

    @property
    def bytes(self) -> int:
        """Return the memory that making the key takes."""
        return 128 * self.n * self.r


@dataclass
class ChunkSealer:
    """Seals, or opens, the chunks of one stream in their order. A stream has one key: never seal two with it."""

    _cipher: AESGCM
    _header: bytes
    _place: int = field(default=0)

    @classmethod
    def of(cls, passphrase: bytes, salt: bytes, cost: ScryptCost, header: bytes) -> Self:
        """Make the key; `header` is bound to every chunk and must say salt and cost."""
        scrypt = Scrypt(salt=salt, length=_KEY_BYTES, n=cost.n, r=cost.r, p=cost.p)
        return cls(AESGCM(scrypt.derive(passphrase)), header)

    def prove(self) -> bytes:
        """Return the first chunk, which is empty: it tells a wrong passphrase from a damaged stream."""
        return self.seal(b"", is_last=False)

    def check(self, proof: bytes) -> None:
        """Raise WrongPassphrase unless the stream was sealed with this one's key and header."""
        try:
            self.open(proof, is_last=False)
        except ChunkAltered:
            raise WrongPassphrase("the passphrase does not open it") from None

    def seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        """Return the next chunk, sealed."""
        return self._cipher.encrypt(self._nonce(is_last), chunk, self._header)

    def open(self, sealed: bytes, *, is_last: bool) -> bytes:
        """Return what the next chunk holds; raises ChunkAltered."""
        try:
            return self._cipher.decrypt(self._nonce(is_last), sealed, self._header)
        except InvalidTag:
            raise ChunkAltered("a chunk is not what was written in its place") from None

    def _nonce(self, is_last: bool) -> bytes:
        place, self._place = self._place, self._place + 1
        return place.to_bytes(_PLACE_BYTES, "big") + (_LAST if is_last else _NOT_LAST)
