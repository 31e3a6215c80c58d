"""The file around a backup: a header that anybody can read, then sealed chunks; written and read in bounded memory."""

import gzip
import io
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from fleet.pki import SALT_BYTES, TAG_BYTES, ChunkAltered, ChunkSealer, ScryptCost, WrongPassphrase

FORMAT = 1
CHUNK_BYTES = 64 * 1024
LONGEST_HEADER = 4096
# More would let a strange file take all of the machine's memory.
DEAREST = ScryptCost(n=2**20, r=8, p=4)
COMPRESSION = 1
GATHERED_BYTES = 256 * 1024


class ArchiveUnusable(Exception):
    """The file cannot be used as a backup; the text says why and what to do."""


@dataclass(frozen=True)
class Header:
    """What anybody may know of a backup: who made it when, and what a passphrase must go through."""

    release: str
    made_at: str
    salt: str
    cost: ScryptCost
    chunk_bytes: int = CHUNK_BYTES

    def encode(self) -> bytes:
        """Return the file's first line."""
        return json.dumps({"camfleet-backup": FORMAT} | asdict(self)).encode() + b"\n"


def new_header(release: str, made_at: str, cost: ScryptCost) -> Header:
    """Make a header with a salt of its own, so that no two backups share a key."""
    return Header(release, made_at, secrets.token_hex(SALT_BYTES), cost)


@contextmanager
def sealing(file: BinaryIO, passphrase: bytes, header: Header) -> Iterator[io.BufferedIOBase]:
    """Give a stream whose bytes are compressed and sealed into `file`; only when this ends well is it whole."""
    head = header.encode()
    sealer = ChunkSealer.of(passphrase, bytes.fromhex(header.salt), header.cost, head)
    file.write(head + sealer.prove())
    chunks = _Sealed(file, sealer, header.chunk_bytes)
    packed = gzip.GzipFile("", "wb", COMPRESSION, fileobj=chunks, mtime=0)
    gathered = io.BufferedWriter(_Unclosed(packed), GATHERED_BYTES)
    yield gathered
    gathered.flush()
    packed.close()
    chunks.finish()


def read_header(file: BinaryIO) -> tuple[Header, bytes]:
    """Read the first line, as said and as bytes; raises ArchiveUnusable."""
    line = file.readline(LONGEST_HEADER)
    try:
        said = json.loads(line)
        found = said.pop("camfleet-backup")
        if found == FORMAT:
            header = Header(**(said | {"cost": ScryptCost(**said["cost"])}))
            _require_sane(header)
            return header, line
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ArchiveUnusable("this is no backup of Camfleet: check the path") from None
    release = said.get("release") if isinstance(said, dict) else None
    raise ArchiveUnusable(f"its format is of a newer release ({release!s:.40}): restore it with that one")


def opening(file: BinaryIO, passphrase: bytes) -> tuple[Header, io.BufferedIOBase]:
    """Return a backup's header and a stream of what was put in.

    Raises ArchiveUnusable, here or while the stream is read: nothing is given out that was not sealed so.
    """
    header, head = read_header(file)
    sealer = ChunkSealer.of(passphrase, bytes.fromhex(header.salt), header.cost, head)
    try:
        sealer.check(file.read(TAG_BYTES))
    except WrongPassphrase:
        raise ArchiveUnusable("the passphrase does not open it (or its first bytes were altered)") from None
    chunks = io.BufferedReader(_Opened(file, sealer, header.chunk_bytes))
    return header, gzip.GzipFile(fileobj=chunks, mode="rb")


def _require_sane(header: Header) -> None:
    cost, dearest = header.cost, DEAREST
    is_power = isinstance(cost.n, int) and cost.n > 1 and cost.n & (cost.n - 1) == 0
    within = is_power and cost.n <= dearest.n and 0 < cost.r <= dearest.r and 0 < cost.p <= dearest.p
    if not within or not 0 < header.chunk_bytes <= 2**24 or len(bytes.fromhex(header.salt)) != SALT_BYTES:
        raise ValueError("no header that this program writes")


class _Sealed(io.RawIOBase):
    """Cuts what is written into chunks; the last one is marked so by `finish`."""

    def __init__(self, file: BinaryIO, sealer: ChunkSealer, chunk_bytes: int) -> None:
        self._file, self._sealer, self._chunk_bytes = file, sealer, chunk_bytes
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._waiting += data
        while len(self._waiting) > self._chunk_bytes:
            chunk = bytes(self._waiting[: self._chunk_bytes])
            del self._waiting[: self._chunk_bytes]
            self._file.write(self._sealer.seal(chunk, is_last=False))
        return len(data)

    def finish(self) -> None:
        self._file.write(self._sealer.seal(bytes(self._waiting), is_last=True))


class _Opened(io.RawIOBase):
    """Gives out each chunk once it proved to be the one of its place."""

    def __init__(self, file: BinaryIO, sealer: ChunkSealer, chunk_bytes: int) -> None:
        self._file, self._sealer, self._sealed_bytes = file, sealer, chunk_bytes + TAG_BYTES
        self._at = file.tell()
        self._next = file.read(self._sealed_bytes)
        self._open = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._open and not self._ended:
            self._open = self._advance()
        size = min(len(buffer), len(self._open))
        buffer[:size], self._open = self._open[:size], self._open[size:]
        return size

    def _advance(self) -> bytes:
        sealed, self._next = self._next, self._file.read(self._sealed_bytes)
        self._ended = not self._next
        try:
            chunk = self._sealer.open(sealed, is_last=self._ended)
        except ChunkAltered:
            how = "it was cut short, or its end altered" if self._ended else f"it was altered at about byte {self._at}"
            raise ArchiveUnusable(f"{how}: take another copy") from None
        self._at += len(sealed)
        return chunk


class _Unclosed(io.RawIOBase):
    """Writes through; collecting it as garbage closes nothing."""

    def __init__(self, target: gzip.GzipFile) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._target.write(data)
