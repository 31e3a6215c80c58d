"""The sealed file: what goes in comes out, and nothing else ever does."""

import io
import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.backup.envelope import CHUNK_BYTES, ArchiveUnusable, Header, new_header, opening, read_header, sealing
from fleet.pki import TAG_BYTES, ScryptCost
from tests.support.scale import count

CHEAP = ScryptCost(n=16)
PASSPHRASE = b"correct horse battery staple"
RANDOM = random.Random(4)  # noqa: S311  (bytes that do not compress, the same each time)


def sealed(content: bytes, *, chunk_bytes: int = 512, passphrase: bytes = PASSPHRASE) -> bytes:
    file = io.BytesIO()
    salt = new_header("0.0.1", "now", CHEAP).salt
    with sealing(file, passphrase, Header("0.0.1", "now", salt, CHEAP, chunk_bytes)) as stream:
        for at in range(0, len(content), 1000):
            stream.write(content[at : at + 1000])
    return file.getvalue()


def opened(archive: bytes, passphrase: bytes = PASSPHRASE) -> bytes:
    return opening(io.BytesIO(archive), passphrase)[1].read()


def chunks_of(archive: bytes, chunk_bytes: int = 512) -> tuple[bytes, list[bytes]]:
    """Return a file's begin (header and proof) and its sealed chunks."""
    begin = archive.index(b"\n") + 1 + TAG_BYTES
    size = chunk_bytes + TAG_BYTES
    return archive[:begin], [archive[at : at + size] for at in range(begin, len(archive), size)]


@given(st.binary(max_size=5000), st.integers(1, 2000))
@settings(max_examples=60, deadline=None)
def test_what_was_sealed_comes_back(content: bytes, chunk_bytes: int) -> None:
    assert opened(sealed(content, chunk_bytes=chunk_bytes)) == content


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_every_size_around_a_chunk_comes_back(size: int) -> None:
    content = RANDOM.randbytes(size)
    assert opened(sealed(content, chunk_bytes=CHUNK_BYTES)) == content


def test_another_passphrase_opens_nothing() -> None:
    for wrong in (b"", b"correct horse battery stapl", PASSPHRASE + b" "):
        with pytest.raises(ArchiveUnusable, match="the passphrase does not open it"):
            opened(sealed(b"secret"), wrong)


def test_no_byte_can_be_altered() -> None:
    archive = sealed(RANDOM.randbytes(3000))
    for place in RANDOM.sample(range(len(archive)), count(len(archive), 400, "altered bytes")):
        altered = bytearray(archive)
        altered[place] ^= 1 << RANDOM.randrange(8)
        with pytest.raises(ArchiveUnusable):
            opened(bytes(altered))


def test_no_end_can_be_missing_and_none_added() -> None:
    archive = sealed(RANDOM.randbytes(2000))
    begin, chunks = chunks_of(archive)
    assert len(chunks) > 3
    lengths = {*range(0, len(archive), 37), *(len(begin) + 528 * number for number in range(len(chunks)))}
    for length in sorted(lengths):
        with pytest.raises(ArchiveUnusable):
            opened(archive[:length])
    for more in (b"\0", b"\0" * 528, chunks[-1]):
        with pytest.raises(ArchiveUnusable, match="altered"):
            opened(archive + more)


def test_chunks_keep_their_places() -> None:
    begin, chunks = chunks_of(sealed(RANDOM.randbytes(3000)))
    for first, second in pairwise(range(len(chunks) - 1)):
        swapped = list(chunks)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        for others in (swapped, chunks[:first] + chunks[second:], [*chunks[:second], *chunks[first:]]):
            with pytest.raises(ArchiveUnusable):
                opened(begin + b"".join(others))


def test_a_chunk_of_another_backup_does_not_fit_even_with_the_same_passphrase() -> None:
    begin, chunks = chunks_of(sealed(RANDOM.randbytes(3000)))
    _, others = chunks_of(sealed(RANDOM.randbytes(3000)))
    with pytest.raises(ArchiveUnusable, match="altered at about byte"):
        opened(begin + b"".join([chunks[0], others[1], *chunks[2:]]))


def test_two_backups_of_the_same_share_neither_salt_nor_chunk() -> None:
    (first, first_chunks), (second, second_chunks) = chunks_of(sealed(b"a" * 99)), chunks_of(sealed(b"a" * 99))
    assert read_header(io.BytesIO(first))[0].salt != read_header(io.BytesIO(second))[0].salt
    assert not set(first_chunks) & set(second_chunks)


def test_what_is_given_out_before_the_damage_is_what_was_put_in() -> None:
    content = RANDOM.randbytes(300_000)
    archive = bytearray(sealed(content, chunk_bytes=CHUNK_BYTES))
    archive[-70_000] ^= 1
    _, stream = opening(io.BytesIO(bytes(archive)), PASSPHRASE)
    got = b""
    try:
        while part := stream.read(1000):
            got += part
    except ArchiveUnusable as refusal:
        assert "altered at about byte" in str(refusal)  # noqa: PT017  (what was read before is looked at below)
    assert content.startswith(got)
    assert 100_000 < len(got) < 240_000


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"PK\x03\x04",
        b"[]\n",
        b'{"camfleet-backup": 1}\n',
        b'{"camfleet-backup": 1, "salt": 5}\n',
        b"{" * 5000,
    ],
)
def test_a_file_that_is_no_backup_is_called_so(said: bytes) -> None:
    with pytest.raises(ArchiveUnusable, match="no backup of Camfleet"):
        opened(said)


@pytest.mark.parametrize("cost", [ScryptCost(n=2**30), ScryptCost(n=3), ScryptCost(r=10**6), ScryptCost(p=10**9)])
def test_a_header_cannot_ask_for_all_of_the_memory(cost: ScryptCost) -> None:
    with pytest.raises(ArchiveUnusable, match="no backup of Camfleet"):
        opened(new_header("0.0.1", "now", cost).encode() + bytes(100))


def test_a_newer_format_names_the_release_to_restore_with() -> None:
    header = json.dumps({"camfleet-backup": 9, "release": "7.1.0", "something": "new"}).encode() + b"\n"
    with pytest.raises(ArchiveUnusable, match=r"newer release \(7\.1\.0\)"):
        opened(header + bytes(50))


def test_a_guess_costs_what_it_should() -> None:
    assert ScryptCost().bytes == 128 * 1024 * 1024
