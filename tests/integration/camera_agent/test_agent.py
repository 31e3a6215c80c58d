"""A real agent on the sample clip against a real broker: what it decides arrives, whatever dies meanwhile."""

from uuid import UUID

from fleet.messages import Birth, Health, Reason, StreamState, StreamStatus
from fleet.topics import Channel
from tests.integration.camera_agent.conftest import DEVICE
from tests.integration.camera_agent.ingest_fake import IngestFake
from tests.support.agent import SAMPLE, AgentProcess, running_agent
from tests.support.broker import Mosquitto
from tests.support.waiting import wait_until

ARRIVES_S = 20.0


def wait_for_events(ingest: IngestFake, count: int) -> None:
    wait_until(lambda: len(ingest.events()) >= count, ARRIVES_S, f"{count} events arrive")


def nothing_is_missing(agent: AgentProcess, ingest: IngestFake) -> bool:
    """Whether every event of the ledger is with ingest at its last revision, or the stopped agent still keeps that.

    A stopping agent waits for receipts for a moment only: what has none stays for its next life.
    """
    last = {UUID(line["event_id"]): int(line["rev"]) for line in agent.ledger()}
    arrived = {event_id: event.rev for event_id, event in ingest.latest().items()}
    kept = agent.kept_revisions()
    reached = {one: max(arrived.get(one, 0), kept.get(one, 0)) for one in last}
    return reached == last and arrived.keys() <= last.keys()


def test_events_arrive_and_receipts_empty_the_outbox(agent: AgentProcess, ingest: IngestFake) -> None:
    with running_agent(agent):
        wait_for_events(ingest, 6)
        assert agent.stop() == 0
    assert agent.log.count('"level": "error"') == 0
    wait_until(lambda: nothing_is_missing(agent, ingest), ARRIVES_S, "the ledger is with ingest or kept")
    assert {event.label for event in ingest.events()} == {"person"}
    assert set(agent.last_changes().values()) == {"end"}
    with running_agent(agent):
        wait_until(lambda: agent.state.get("outbox_depth") == 0, ARRIVES_S, "receipts empty the outbox")


def test_the_camera_says_what_it_is_and_how_it_does(agent: AgentProcess, ingest: IngestFake) -> None:
    with running_agent(agent):
        wait_until(lambda: len(ingest.said(Channel.HEALTH, Health)) >= 3, ARRIVES_S, "health arrives")
        agent.stop()
    births, healths = ingest.said(Channel.BIRTH, Birth), ingest.said(Channel.HEALTH, Health)
    assert [(s.name, s.kind, s.width, s.height) for s in births[-1].streams] == [("main", "file", 768, 576)]
    assert births[-1].models[0].name.startswith("nanodet")
    assert births[-1].session == healths[-1].session
    assert healths[-1].streams["main"].fps > 2
    assert healths[-1].rss_bytes > 0
    statuses = ingest.said(Channel.STREAM_STATUS, StreamStatus)
    assert statuses[-1].state is StreamState.ONLINE


def test_a_stopped_agent_says_so_and_leaves_no_will(agent: AgentProcess, ingest: IngestFake) -> None:
    with running_agent(agent):
        wait_until(lambda: ingest.presences() == ["online"], ARRIVES_S, "the birth arrives")
        agent.stop()
    wait_until(lambda: ingest.presences() == ["online", "stopping"], ARRIVES_S, "it says that it stops")


def test_a_killed_agent_is_reported_by_its_will(agent: AgentProcess, ingest: IngestFake) -> None:
    with running_agent(agent):
        wait_until(lambda: ingest.presences() == ["online"], ARRIVES_S, "the birth arrives")
        agent.kill()
        wait_until(lambda: ingest.presences() == ["online", "offline"], 15, "the will arrives")


def test_a_killed_agent_keeps_what_nobody_confirmed(agent: AgentProcess, ingest: IngestFake) -> None:
    ingest.confirms = False
    with running_agent(agent):
        wait_for_events(ingest, 4)
        agent.kill()
        before = {line["event_id"] for line in agent.ledger()}
        ingest.received.clear()
        ingest.confirms = True
        agent.start()
        wait_until(
            lambda: before <= {str(one) for one in ingest.latest()},
            ARRIVES_S,
            "what the first life decided arrives",
        )
        agent.stop()
    wait_until(lambda: nothing_is_missing(agent, ingest), ARRIVES_S, "the ledger is with ingest or kept")
    assert {agent.last_changes()[event_id] for event_id in before} == {"end"}


def test_a_killed_broker_loses_nothing(agent: AgentProcess, broker: Mosquitto, ingest: IngestFake) -> None:
    with running_agent(agent):
        wait_for_events(ingest, 3)
        broker.kill()
        decided = len(agent.ledger())
        wait_until(lambda: len(agent.ledger()) >= decided + 3, ARRIVES_S, "the camera goes on deciding")
        broker.start()
        wait_for_events(ingest, decided + 3)
        agent.stop()
    wait_until(lambda: nothing_is_missing(agent, ingest), ARRIVES_S, "the ledger is with ingest or kept")


def test_the_camera_starts_without_a_broker_and_delivers_later(
    agent: AgentProcess, broker: Mosquitto, ingest: IngestFake
) -> None:
    broker.kill()
    with running_agent(agent):
        wait_until(lambda: len(agent.ledger()) >= 3, ARRIVES_S, "events are decided")
        assert agent.state["connected"] is False
        assert agent.log.count("not connected") == 1
        broker.start()
        wait_for_events(ingest, 3)


def test_one_broken_stream_stops_no_other(agent: AgentProcess, ingest: IngestFake) -> None:
    agent.streams = {"bad": {"source": "file:/nowhere.mp4"}, "good": {"source": f"file:{SAMPLE}"}}
    with running_agent(agent):
        wait_for_events(ingest, 2)
        agent.stop()
    statuses = {
        topic.stream: StreamStatus.decode(payload)
        for topic, payload in ingest.received
        if topic.channel is Channel.STREAM_STATUS
    }
    assert (statuses["good"].state, statuses["bad"].state) == (StreamState.ONLINE, StreamState.OFFLINE)
    assert statuses["bad"].reason is Reason.MISSING
    assert "/nowhere.mp4" in (statuses["bad"].detail or "")
    assert {topic.stream for topic, _ in ingest.received if topic.channel is Channel.EVENT} == {"good"}


def test_a_second_agent_on_the_same_home_is_refused(agent: AgentProcess, broker: Mosquitto) -> None:
    with running_agent(agent):
        agent.wait_connected()
        second = AgentProcess(agent.home, DEVICE, broker.cameras, broker.credentials(DEVICE))
        second.start()
        wait_until(lambda: "already runs" in agent.log, ARRIVES_S, "the second says why it ends")
        assert second.stop() != 0
        assert agent.state["connected"]
