"""Limits per address, counted in the database: across workers, per network, and still there when it takes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config_server.app import create_app
from config_server.rate_limits import SHARES_KEPT, RateLimiter, Shares, TooManyRequests, network_of
from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store, Transaction
from tests.integration.config_server.conftest import Api, Clock, make_api

NOW = datetime(2026, 5, 4, 12, 0, 20, tzinfo=UTC)
PROOF = {"token_id": "ABC123", "nonce": "00" * 32}


class FullDisk(Store):
    """A store that takes nothing."""

    @contextmanager
    def counting(self) -> Iterator[Transaction]:
        raise StoreUnavailable("disk full")
        yield


def spent(limiter: RateLimiter, address: str = "192.0.2.1", rates: str = "3 per minute") -> int:
    """How many requests pass; at most ten are tried."""
    for done in range(10):
        try:
            limiter.spend("enrol", address, rates)
        except TooManyRequests:
            return done
    return 10


def test_two_workers_share_one_count(api: Api) -> None:
    clock, other = Clock(NOW), Store(api.settings.config_database)
    assert spent(RateLimiter(api.store, clock)) == 3
    assert spent(RateLimiter(other, clock)) == 0
    assert spent(RateLimiter(other, clock), "192.0.2.2") == 3
    other.close()


def passes(limiters: list[RateLimiter], tries: int, rates: str) -> int:
    """How many of `tries` requests pass that come to the workers in turn."""
    passed = 0
    for number in range(tries):
        with suppress(TooManyRequests):
            limiters[number % len(limiters)].spend("enrol", "192.0.2.1", rates)
            passed += 1
    return passed


def test_of_a_large_limit_workers_count_shares_and_never_pass_more(api: Api) -> None:
    clock, other = Clock(NOW), Store(api.settings.config_database)
    limiters = [RateLimiter(api.store, clock), RateLimiter(other, clock)]
    assert passes(limiters, 520, "505 per minute") == 505
    clock.advance(minutes=1)
    assert passes(limiters, 20, "505 per minute") == 20
    other.close()


def test_a_share_is_of_its_window_and_a_forgotten_one_passes_nothing_more(api: Api) -> None:
    shares, later = Shares(), NOW + timedelta(minutes=1)
    shares.put("enrol", NOW, 2)
    assert [shares.take("enrol", moment) for moment in (later, NOW, NOW, NOW)] == [False, True, True, False]
    shares.put("enrol", NOW, 1)
    for number in range(SHARES_KEPT):
        shares.put(f"enrol {number}", later, 1)
    assert not shares.take("enrol", NOW)


def test_a_new_window_begins_when_the_refusal_said(api: Api) -> None:
    clock = Clock(NOW)
    limiter = RateLimiter(api.store, clock)
    spent(limiter)
    with pytest.raises(TooManyRequests) as refusal:
        limiter.spend("enrol", "192.0.2.1", "3 per minute")
    assert refusal.value.retry_after_s == 40
    clock.advance(seconds=39)
    assert spent(limiter) == 0
    clock.advance(seconds=1)
    assert spent(limiter) == 3


def test_of_several_rates_the_strictest_holds(api: Api) -> None:
    clock = Clock(NOW)
    limiter, rates = RateLimiter(api.store, clock), "3 per minute; 5 per hour"
    assert spent(limiter, rates=rates) == 3
    clock.advance(minutes=1)
    assert spent(limiter, rates=rates) < 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_a_sender_is_an_address_or_a_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_while_the_database_takes_nothing_each_worker_counts_for_itself(api: Api) -> None:
    store = FullDisk(api.settings.config_database)
    limiter = RateLimiter(store, lambda: datetime.now(UTC))
    assert spent(limiter, rates="3 per day") == 3
    store.close()


def test_old_windows_are_forgotten(api: Api) -> None:
    spent(RateLimiter(api.store, Clock(NOW)))
    with api.store.writing() as tx:
        tx.rates.forget_before(NOW + timedelta(days=1))
    assert spent(RateLimiter(api.store, Clock(NOW))) == 3


def test_two_apps_on_one_database_refuse_together(tmp_path: Path) -> None:
    first = make_api(tmp_path / "home", enrolment_rate="3 per hour")
    second = create_app(replace(first.parts)).test_client()
    clients = [first.client, second, first.client, second]
    statuses = [client.post("/config/enrol/proof", json=PROOF).status_code for client in clients]
    assert statuses == [403, 403, 403, 429]
    refused = second.post("/config/enrol/proof", json=PROOF)
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.content_type == "application/problem+json"
    first.store.close()


def test_a_kept_route_is_not_limited(tmp_path: Path) -> None:
    made = make_api(tmp_path / "home", enrolment_rate="1 per hour", open_rate="1 per hour")
    assert [made.get("/config/devices").status_code for _ in range(3)] == [200] * 3
    assert [made.client.get("/ca/root.pem").status_code for _ in range(2)] == [200, 429]
    made.store.close()
