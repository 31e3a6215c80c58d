"""The agent on a disk that fills up: frames are dropped, never events; and one line when it cannot even start."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from fleet.messages import Health, Reason, StreamStatus
from fleet.topics import Channel
from tests.integration.camera_agent.conftest import DEVICE
from tests.integration.camera_agent.ingest_fake import IngestFake
from tests.support.agent import AgentProcess, running_agent
from tests.support.broker import Mosquitto
from tests.support.scale import count
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.waiting import wait_until

WITHIN_S = 30.0
DROPPING = "frames are dropped until they can"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 2_048) as found:
        yield found


@pytest.fixture
def agent(broker: Mosquitto, disk: SmallDisk, tmp_path: Path) -> AgentProcess:
    credentials = broker.credentials(DEVICE)
    return AgentProcess(disk.path / "camera", DEVICE, broker.cameras, credentials, log_file=tmp_path / "log")


def revisions(ingest: IngestFake) -> dict[UUID, set[int]]:
    found: dict[UUID, set[int]] = defaultdict(set)
    for event in ingest.events():
        found[event.event_id].add(event.rev)
    return found


def everything_arrived(agent: AgentProcess, ingest: IngestFake) -> bool:
    there = ingest.latest().keys() | agent.kept_revisions().keys()
    return all(UUID(line["event_id"]) in there for line in agent.ledger())


def test_events_wait_for_room_and_none_is_missing(agent: AgentProcess, ingest: IngestFake, disk: SmallDisk) -> None:
    with running_agent(agent):
        wait_until(lambda: len(ingest.events()) >= 2, WITHIN_S, "first events arrive")
        disk.fill()
        wait_until(lambda: DROPPING in agent.log, WITHIN_S, "the agent says that frames are dropped")
        assert "make room on its disk" in agent.log
        disk.make_room()
        wait_until(lambda: "events are kept again" in agent.log, WITHIN_S, "it goes on by itself")
        before = len(ingest.latest())
        wait_until(lambda: len(ingest.latest()) > before, WITHIN_S, "new events arrive")
        assert agent.stop() == 0
    wait_until(lambda: everything_arrived(agent, ingest), WITHIN_S, "the ledger is with ingest")
    # An event that was dropped on the way would leave a hole in somebody's revisions.
    holes = {event_id: found for event_id, found in revisions(ingest).items() if found != set(range(1, max(found) + 1))}
    assert holes == {}
    assert set(agent.last_changes().values()) == {"end"}


def test_a_full_disk_is_said_once_in_the_streams_state_and_over_by_itself(
    agent: AgentProcess, ingest: IngestFake, disk: SmallDisk
) -> None:
    minute = count(60, 3, "heartbeats, one a second, of a camera whose disk is full")
    with running_agent(agent):
        wait_until(lambda: len(ingest.events()) >= 2, WITHIN_S, "first events arrive")
        disk.fill()
        wait_until(lambda: states(ingest)[-1] == ("offline", Reason.DISK), WITHIN_S, "the stream says why it stands")
        ingest.received.clear()
        wait_until(lambda: len(ingest.said(Channel.HEALTH, Health)) > minute, WITHIN_S + minute, "it lives on")
        last = ingest.said(Channel.HEALTH, Health)[-1]
        assert (last.disk_free_bytes, last.streams["main"].fps) == (0, 0)
        assert states(ingest) == []
        disk.make_room()
        wait_until(lambda: states(ingest) == [("online", None)], WITHIN_S, "the stream goes on by itself")
        assert agent.log.count(DROPPING) == 1
        assert agent.stop() == 0
    wait_until(lambda: everything_arrived(agent, ingest), WITHIN_S, "the ledger is with ingest")


def states(ingest: IngestFake) -> list[tuple[str, Reason | None]]:
    return [(said.state.value, said.reason) for said in ingest.said(Channel.STREAM_STATUS, StreamStatus)]


def test_what_was_kept_survives_a_kill_on_a_full_disk(agent: AgentProcess, ingest: IngestFake, disk: SmallDisk) -> None:
    ingest.confirms = False
    with running_agent(agent):
        wait_until(lambda: len(ingest.events()) >= 3, WITHIN_S, "first events arrive")
        disk.fill()
        wait_until(lambda: DROPPING in agent.log, WITHIN_S, "the agent says that frames are dropped")
        agent.kill()
        ingest.received.clear()
        ingest.confirms = True
        disk.make_room()
        agent.start()
        wait_until(lambda: everything_arrived(agent, ingest), WITHIN_S, "what the first life kept arrives")


def test_a_disk_that_takes_nothing_at_the_start_is_one_line(agent: AgentProcess, disk: SmallDisk) -> None:
    agent.write_home()
    disk.fill()
    assert "make room" in _refusal(agent)
    disk.make_room()
    with disk.read_only(agent.home):
        assert "make it writable" in _refusal(agent)


def _refusal(agent: AgentProcess) -> str:
    argv = [sys.executable, "-m", "camera_agent", "run", "--home", str(agent.home)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr
