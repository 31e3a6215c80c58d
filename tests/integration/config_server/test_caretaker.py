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

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def caretaker(tmp_path: Path) -> Iterator[Caretaker]:
    settings = prepare_home(tmp_path / "home")
    store = Store(settings.config_database)
    yield Caretaker(settings, store)
    store.close()


def crl_number(caretaker: Caretaker) -> int:
    path = caretaker.settings.home.credentials("broker").folder / "cameras.crl.pem"
    return read_crl(path.read_bytes()).number


def test_a_start_soon_after_the_last_round_waits_for_the_hour(caretaker: Caretaker) -> None:
    assert not caretaker.round(NOW)
    assert not caretaker.round(NOW + HOUR * 0.9)
    assert caretaker.round(NOW + HOUR * 1.1)
    assert not caretaker.round(NOW + HOUR * 1.2)
    assert caretaker.round(NOW + HOUR * 1.1 + EVERY)


def test_a_start_long_after_the_last_round_makes_one_at_once(caretaker: Caretaker) -> None:
    before = crl_number(caretaker)
    assert caretaker.round(NOW + timedelta(days=30))
    assert crl_number(caretaker) == before + 1
    assert caretaker.condition(NOW + timedelta(days=30))["ok"]


def test_a_round_that_fails_is_told_and_tried_again_soon(caretaker: Caretaker) -> None:
    key = caretaker.settings.home.authorities / "issuing.key"
    kept = key.read_bytes()
    key.unlink()
    at = NOW + 2 * HOUR
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


def test_a_reload_hook_that_fails_degrades_but_the_lists_are_fresh(caretaker: Caretaker) -> None:
    caretaker.settings = caretaker.settings.model_copy(update={"broker_reload_command": "false"})
    before = crl_number(caretaker)
    caretaker.round(NOW + 2 * HOUR)
    assert crl_number(caretaker) == before + 1
    assert "reload command" in caretaker.condition(NOW + 2 * HOUR)["failure"]


def test_lists_that_run_out_within_three_days_are_not_ok(caretaker: Caretaker) -> None:
    caretaker.round(NOW)
    assert caretaker.condition(NOW)["ok"]
    assert not caretaker.condition(NOW + timedelta(days=4, hours=1))["ok"]


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
