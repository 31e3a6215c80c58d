"""Small pure parts: figures of the broker, names folded for comparing, the agent's settings file."""

import tomllib

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from config_server.courier.broker_figures import BrokerFigures, figure_in
from config_server.provisioning import Connection, agent_toml
from config_server.store.devices import name_key
from fleet.mqtt import Received


@pytest.mark.parametrize(
    ("payload", "number"),
    [(b"12", 12.0), (b"3.5", 3.5), (b"17 seconds", 17.0), (b"", None), (b"mosquitto version 2", None), (b"\xff", None)],
)
def test_a_figure_is_the_number_a_payload_begins_with(payload: bytes, number: float | None) -> None:
    assert figure_in(payload) == number


def test_only_known_figures_become_metrics() -> None:
    registry = CollectorRegistry()
    figures = BrokerFigures(registry)
    for topic, payload in [("clients/connected", b"4"), ("load/sockets/1min", b"9"), ("clients/total", b"many")]:
        figures.take(Received(f"$SYS/broker/{topic}", payload, 0, True, 1, 1))
    text = generate_latest(registry).decode()
    assert "camfleet_broker_clients_connected 4.0" in text
    assert "camfleet_broker_clients_total 0.0" in text
    assert "9.0" not in text


@pytest.mark.parametrize(
    ("one", "other"),
    [("Front gate", "front  GATE "), ("Straße", "STRASSE"), ("ﬁrst", "first"), ("Poart\u0103", "Poarta\u0306")],
)
def test_names_that_people_take_for_the_same_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_the_agents_settings_are_toml_whatever_the_address_holds() -> None:
    text = agent_toml("cam-gate1", Connection("fe80::1", 8883, 'https://a"b\\c', 0.25))
    assert tomllib.loads(text) == {
        "device_id": "cam-gate1",
        "broker_host": "fe80::1",
        "broker_port": 8883,
        "server": 'https://a"b\\c',
        "reconnect_spread_s": 0.25,
    }
