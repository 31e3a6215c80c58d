"""The code that a camera shows."""

import hashlib

import pytest

from fleet.pki import in_groups, pairing_code, read_code
from fleet.pki.enrolment import CROCKFORD


def test_a_code_is_the_first_60_bits_of_the_digest_in_crockfords_base_32() -> None:
    root, key = bytes(32), b"key"
    code = pairing_code(root, key)
    assert len(code) == 12
    value = 0
    for character in code:
        value = value * 32 + CROCKFORD.index(character)
    assert value == int(hashlib.sha256(root + key).hexdigest()[:15], 16)


def test_another_root_or_another_key_is_another_code() -> None:
    codes = {pairing_code(bytes([root]) * 32, bytes([key])) for root in range(4) for key in range(4)}
    assert len(codes) == 16


@pytest.mark.parametrize("typed", ["7K2Q-9DAB-C01F", "7k2q 9dab cOLf", "7K2Q9DABC0IF"])
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert read_code(typed) == "7K2Q9DABC01F"
    assert in_groups(read_code(typed)) == "7K2Q-9DAB-C01F"
