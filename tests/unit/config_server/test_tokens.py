"""API and service tokens."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from config_server.tokens import EVERY_SCOPE, TokenKind, hash_of, is_usable, new_token, record_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(("kind", "prefix"), [(TokenKind.API, "cfa_"), (TokenKind.SERVICE, "cfs_")])
def test_a_tokens_kind_shows_in_its_first_letters(kind: TokenKind, prefix: str) -> None:
    token = new_token(kind)
    assert token.startswith(prefix)
    assert token != new_token(kind)


def test_a_record_recognises_its_token_and_does_not_contain_it() -> None:
    token = new_token(TokenKind.API)
    record = record_of(token, TokenKind.API, "admin", NOW)
    assert is_usable(record, token, NOW)
    assert record.scopes == EVERY_SCOPE
    assert token not in repr(record)
    assert record.sha256 == hash_of(token)


def test_another_token_a_revoked_one_and_one_of_the_wrong_kind_are_refused() -> None:
    token = new_token(TokenKind.API)
    record = record_of(token, TokenKind.API, "admin", NOW)
    assert not is_usable(record, new_token(TokenKind.API), NOW)
    assert not is_usable(replace(record, revoked_at=NOW), token, NOW)
    assert not is_usable(replace(record, kind=TokenKind.SERVICE), token, NOW)
