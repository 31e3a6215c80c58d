"""A revocation list is read back before anybody relies on it."""

from datetime import UTC, datetime, timedelta

import pytest

from config_server.revocation import CrlUnusable, check_crl
from fleet.pki import Authority, Revoked

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def issuer() -> Authority:
    return Authority.new_root("test", NOW)


def test_a_list_that_names_exactly_the_revoked_ones_is_good(issuer: Authority) -> None:
    pem = issuer.sign_crl([Revoked(5, NOW), Revoked(9, NOW)], 3, NOW, WEEK)
    assert check_crl(pem, frozenset({5, 9}), NOW).number == 3


@pytest.mark.parametrize("wanted", [frozenset({5}), frozenset({5, 9, 11}), frozenset[int]()])
def test_a_list_that_names_others_is_not(issuer: Authority, wanted: frozenset[int]) -> None:
    pem = issuer.sign_crl([Revoked(5, NOW), Revoked(9, NOW)], 3, NOW, WEEK)
    with pytest.raises(CrlUnusable, match="exactly the revoked"):
        check_crl(pem, wanted, NOW)


@pytest.mark.parametrize("pem", [b"", b"garbage", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_what_is_not_a_list_is_not(pem: bytes) -> None:
    with pytest.raises(CrlUnusable):
        check_crl(pem, frozenset(), NOW)


@pytest.mark.parametrize("at", [NOW - timedelta(hours=2), NOW + timedelta(days=5), NOW + timedelta(days=8)])
def test_a_list_that_is_not_valid_for_days_yet_would_lock_everybody_out(issuer: Authority, at: datetime) -> None:
    pem = issuer.sign_crl([], 1, NOW, WEEK)
    with pytest.raises(CrlUnusable, match="would be valid"):
        check_crl(pem, frozenset(), at)
