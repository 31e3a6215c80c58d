"""A real agent, a real broker, and an ingest that remembers what it got."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.camera_agent.ingest_fake import IngestFake, ingesting
from tests.support.agent import AgentProcess
from tests.support.broker import Mosquitto, running_broker

DEVICE = "cam-front-1"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_broker(tmp_path / "host") as found:
        yield found


@pytest.fixture
def ingest(broker: Mosquitto) -> Iterator[IngestFake]:
    with ingesting(broker, DEVICE) as found:
        yield found


@pytest.fixture
def agent(broker: Mosquitto, tmp_path: Path) -> AgentProcess:
    """An agent that the test starts."""
    return AgentProcess(tmp_path / "camera", DEVICE, broker.cameras, broker.credentials(DEVICE))
