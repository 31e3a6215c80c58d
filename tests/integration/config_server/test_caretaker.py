"""When the courier's care is due, and what a failure does to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from config_server.courier.care import EVERY, RETRY, Caretaker
from config_server.courier.status import PortTaken, StatusServer
from config_server.store.registry import Store
from fleet.pki import read_crl
from tests.support.config_server import prepare_home
from tests.support.ports import free_port

HOUR = timedelta(hours=1)


@pytest.fixture
def caretaker(tmp_path: Path) -> Iterator[Caretaker]:
    settings = prepare_home(tmp_path / "home")
    store = Store(settings.config_database)
    yield Caretaker(settings, store)
    store.close()


@pytest.fixture
def now() -> datetime:
    """When the home was made: rounds are due from then, not from when this file was read."""
    return datetime.now(UTC)


def crl_number(caretaker: Caretaker) -> int:
    path = caretaker.settings.home.credentials("broker").folder / "cameras.crl.pem"
    return read_crl(path.read_bytes()).number


def test_a_start_soon_after_the_last_round_waits_for_the_hour(caretaker: Caretaker, now: datetime) -> None:
    assert not caretaker.round(now)
    assert not caretaker.round(now + HOUR * 0.9)
    assert caretaker.round(now + HOUR * 1.1)
    assert not caretaker.round(now + HOUR * 1.2)
    assert caretaker.round(now + HOUR * 1.1 + EVERY)


def test_a_start_long_after_the_last_round_makes_one_at_once(caretaker: Caretaker, now: datetime) -> None:
    before = crl_number(caretaker)
    assert caretaker.round(now + timedelta(days=30))
    assert crl_number(caretaker) == before + 1
    assert caretaker.condition(now + timedelta(days=30))["ok"]


def test_a_round_that_fails_is_told_and_tried_again_soon(caretaker: Caretaker, now: datetime) -> None:
    key = caretaker.settings.home.authorities / "issuing.key"
    kept = key.read_bytes()
    key.unlink()
    at = now + 2 * HOUR
    before = crl_number(caretaker)
    assert caretaker.round(at)
    condition = caretaker.condition(at)
    assert not condition["ok"]
    assert "issuing.key is missing" in condition["failure"]
    assert crl_number(caretaker) == before, "the old list stays in place"

    assert not caretaker.round(at + RETRY / 2)
    key.write_bytes(kept)
    assert caretaker.round(at + RETRY)
    assert caretaker.condition(at + RETRY)["ok"]


def test_a_reload_hook_that_fails_degrades_but_the_lists_are_fresh(caretaker: Caretaker, now: datetime) -> None:
    caretaker.settings = caretaker.settings.model_copy(update={"broker_reload_command": "false"})
    before = crl_number(caretaker)
    caretaker.round(now + 2 * HOUR)
    assert crl_number(caretaker) == before + 1
    assert "reload command" in caretaker.condition(now + 2 * HOUR)["failure"]


def test_lists_that_run_out_within_three_days_are_not_ok(caretaker: Caretaker, now: datetime) -> None:
    caretaker.round(now)
    assert caretaker.condition(now)["ok"]
    assert not caretaker.condition(now + timedelta(days=4, hours=1))["ok"]


def test_the_status_server_names_the_setting_of_a_taken_port() -> None:
    port = free_port()
    first = StatusServer(port, dict, CollectorRegistry())
    first.start()
    try:
        with pytest.raises(PortTaken, match=f"{port} is taken.*CAMFLEET_COURIER_PORT"):
            StatusServer(port, dict, CollectorRegistry())
        assert first.answer("/nothing")[0] == 404
    finally:
        first.stop()
