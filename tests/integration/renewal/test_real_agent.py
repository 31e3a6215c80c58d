"""The whole agent renews while it watches: nobody sees it go offline, and one that is refused goes on watching."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fleet.messages import Birth
from fleet.pki import read_certificate
from fleet.topics import Channel
from tests.integration.camera_agent.ingest_fake import IngestFake, ingesting
from tests.integration.renewal.rig import OLD_ENOUGH, Site, device_of, running_site
from tests.integration.renewal.test_renewal_under_fault import BEYOND_GRACE
from tests.support.agent import AgentProcess, running_agent
from tests.support.waiting import wait_until

SOON_S = 40.0
WILL_DELAY_S = 10.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path / "site") as site:
        yield site


def agent_of(site: Site, folder: Path, age: timedelta) -> AgentProcess:
    home = site.camera(folder / "made", age)
    return AgentProcess(folder / "camera", device_of(home), site.broker.cameras, home.credentials)


def stays_online(ingest: IngestFake, for_s: float) -> bool:
    try:
        wait_until(lambda: set(ingest.presences()) - {"online"}, for_s, "something else than online")
    except AssertionError:
        return True
    return False


def test_a_renewal_is_not_seen_as_an_absence(site: Site, tmp_path: Path) -> None:
    agent = agent_of(site, tmp_path, OLD_ENOUGH)
    old = read_certificate(agent.credentials.certificate.read_bytes())
    with ingesting(site.broker, agent.device_id) as ingest, running_agent(agent):
        wait_until(lambda: agent.state.get("renewal") == "renewed", SOON_S, f"renewal; its log: {agent.log}")
        wait_until(
            lambda: ingest.said(Channel.BIRTH, Birth)[-1].certificate_not_after != old.not_after,
            SOON_S,
            "the birth tells the new end",
        )
        assert stays_online(ingest, WILL_DELAY_S + 2)
        assert len(ingest.presences()) >= 2, "it connected twice, as the same session"
        events = len(agent.ledger())
        wait_until(lambda: len(agent.ledger()) > events, SOON_S, "it goes on watching")
        # What the process would start with after a crash is what it uses.
        agent.kill()
        agent.start()
        agent.wait_connected()
        assert agent.state["certificate_not_after"] != old.not_after.isoformat()
    assert agent.log.count('"level": "error"') == 0


def test_an_agent_that_is_refused_keeps_its_events_and_says_what_to_do(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.https() as address:
        monkeypatch.setenv("CAMFLEET_AGENT_SERVER", address)
        agent = agent_of(site, tmp_path, BEYOND_GRACE)
        with running_agent(agent):
            wait_until(lambda: agent.state.get("renewal") == "refused", SOON_S, f"the refusal; its log: {agent.log}")
            wait_until(lambda: agent.state.get("outbox_depth", 0) >= 3, SOON_S, "events wait in the outbox")
            assert agent.state["connected"] is False
            assert "re-enrol" in agent.state["renewal_detail"]
            assert agent.stop() == 0
    assert agent.log.count("refuse to renew") == 1
