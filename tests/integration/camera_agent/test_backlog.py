"""A real agent comes back with a night behind it: what happens now goes first, and nothing is missing."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from camera_agent.delivery.outbox import Outbox
from fleet.messages import Change
from tests.integration.camera_agent.ingest_fake import IngestFake
from tests.support.agent import AgentProcess, running_agent
from tests.support.broker import Mosquitto
from tests.support.scale import count
from tests.support.waiting import wait_until
from tests.unit.camera_agent.tracks import decision

WITHIN_S = 60.0
WAITING = count(20_000, 1_500, "events that waited on the camera")
NIGHT = timedelta(hours=10)


def fill(agent: AgentProcess) -> set[UUID]:
    """Let a night's events wait in the agent's outbox."""
    agent.write_home()
    then = datetime.now(UTC) - NIGHT
    with closing(Outbox(agent.home / "outbox.db", then)) as box:
        decisions = [decision(2, Change.END) for _ in range(WAITING)]
        for start in range(0, WAITING, 500):
            box.append("main", decisions[start : start + 500], then)
    return {one.event_id for one in decisions}


def test_what_happens_now_does_not_queue_behind_the_night(
    agent: AgentProcess, ingest: IngestFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMFLEET_AGENT_BACKFILL_RATE", "20")
    night = fill(agent)
    with running_agent(agent):
        wait_until(lambda: len(ingest.alone) >= 3, WITHIN_S, "what the camera sees now arrives")
        assert 0 < len(ingest.came_late()) < WAITING / 2
        assert not night & {event.event_id for event in ingest.alone}
        assert {event.event_id for event in ingest.came_late()} <= night
        wait_until(lambda: agent.state.get("outbox_depth", 0) > WAITING / 2, WITHIN_S, "the depth is said")


def test_the_night_arrives_whole_and_leaves_the_outbox_empty(
    agent: AgentProcess, ingest: IngestFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMFLEET_AGENT_BACKFILL_RATE", "2000")
    night = fill(agent)
    with running_agent(agent):
        arrived = lambda: night <= {event.event_id for event in ingest.came_late()}  # noqa: E731
        wait_until(arrived, WITHIN_S * 3, "all of the night arrives")
        wait_until(lambda: agent.state.get("outbox_depth", 99) < 5, WITHIN_S, "receipts empty the outbox")
    assert max(len(late.events) for late in ingest.late) > 100


def test_after_an_outage_new_events_go_alone_and_what_waited_goes_packed(
    agent: AgentProcess, broker: Mosquitto, ingest: IngestFake
) -> None:
    with running_agent(agent):
        wait_until(lambda: len(ingest.alone) >= 2, WITHIN_S, "first events arrive")
        broker.kill()
        decided = len(agent.ledger())
        wait_until(lambda: len(agent.ledger()) >= decided + 4, WITHIN_S, "the camera goes on deciding")
        in_outage = {int(line["seq"]) for line in agent.ledger()[decided : decided + 4]}
        broker.start()
        wait_until(lambda: in_outage <= {event.seq for event in ingest.came_late()}, WITHIN_S, "the outage arrives")
        newest = max(event.seq for event in ingest.came_late())
        wait_until(lambda: ingest.alone[-1].seq > newest, WITHIN_S, "and what comes after it goes alone")
    arrived = {event.event_id for event in ingest.events()}
    assert {UUID(line["event_id"]) for line in agent.ledger()[: decided + 4]} <= arrived
