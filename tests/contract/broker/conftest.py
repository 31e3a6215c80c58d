"""The brokers that this contract is run against: Mosquitto always, EMQX when CAMFLEET_TEST_EMQX names one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.broker.emqx import EmqxNode
from tests.contract.broker.rig import Broker
from tests.support.broker import running_broker

EMQX_VARIABLE = "CAMFLEET_TEST_EMQX"


BROKERS = ["mosquitto", "emqx"] if os.environ.get(EMQX_VARIABLE) else ["mosquitto"]


@pytest.fixture(scope="module", params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker with the shipped rules."""
    if request.param == "mosquitto":
        with running_broker(tmp_path_factory.mktemp("mosquitto") / "home") as mosquitto:
            yield mosquitto
        return
    yield EmqxNode(Path(os.environ[EMQX_VARIABLE]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line which brokers the contract was run against."""
    left_out = "" if "emqx" in BROKERS else f"; EMQX left out: {EMQX_VARIABLE} names none"
    terminalreporter.write_line(f"broker contract: {', '.join(BROKERS)}{left_out}")
