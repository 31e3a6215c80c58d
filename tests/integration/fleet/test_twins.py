"""Two clients with one certificate: each is told what is wrong, and neither hammers the broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.mqtt import Session, SessionOptions
from tests.support.broker import Mosquitto, running_broker
from tests.support.waiting import wait_until

DEVICE = "cam-twins-1"
TOLD = "if another client uses this certificate, stop one of them"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_broker(tmp_path) as found:
        yield found


def test_twins_are_soon_told_of_each_other(broker: Mosquitto) -> None:
    reasons: list[str] = []
    twins = [
        Session(broker.cameras, broker.credentials(DEVICE), SessionOptions(DEVICE), on_disconnected=reasons.append)
        for _ in range(2)
    ]
    try:
        for one in twins:
            one.start()
        wait_until(lambda: any(TOLD in reason for reason in reasons), 60, "one of them is told what is wrong")
    finally:
        for one in twins:
            one.stop()
    assert len(reasons) < 12, "they hammer the broker"


def test_a_broker_that_dies_is_a_lost_connection_and_said_no_word(broker: Mosquitto) -> None:
    reasons: list[str] = []
    session = Session(
        broker.cameras, broker.credentials(DEVICE), SessionOptions(DEVICE), on_disconnected=reasons.append
    )
    session.start()
    try:
        assert session.wait_connected(10)
        broker.kill()
        wait_until(lambda: bool(reasons), 10, "the loss is noticed")
        assert reasons[0] == "the connection was lost"
    finally:
        session.stop()
