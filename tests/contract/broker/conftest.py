"""The brokers that this contract is run against: Mosquitto always, EMQX when CAMFLEET_TEST_EMQX names one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.broker.emqx import EmqxNode
from tests.contract.broker.rig import Broker
from tests.support.broker import running_broker

EMQX_VARIABLE = "CAMFLEET_TEST_EMQX"


@pytest.fixture(scope="module", params=["mosquitto", "emqx"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker with the shipped rules."""
    if request.param == "mosquitto":
        with running_broker(tmp_path_factory.mktemp("mosquitto") / "home") as mosquitto:
            yield mosquitto
        return
    folder = os.environ.get(EMQX_VARIABLE)
    if not folder:
        pytest.skip(f"no EMQX here ({EMQX_VARIABLE} names none)")
    yield EmqxNode(Path(folder))
