"""Accept-on-sight with both real sides: the agent, and config_server over TLS with its host's certificate."""

import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from camera_agent.enrolment.exchange import EnrolmentRefused
from camera_agent.enrolment.identity import IdentityUnusable, read_identity
from camera_agent.enrolment.on_sight import Bystander, SightWish, enrol_on_sight
from camera_agent.home import AgentHome
from tests.integration.config_server.conftest import Api, make_api


@dataclass(frozen=True)
class Served:
    """config_server as cameras reach it."""

    api: Api
    url: str


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    api = make_api(tmp_path / "home", enrolment_rate="10000 per minute")
    files = api.settings.home.credentials("nginx")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server = make_server("127.0.0.1", 0, api.client.application, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(api, f"https://localhost:{server.port}")
    server.shutdown()
    thread.join(5)
    api.store.close()


@dataclass
class Guard:
    """Reads the camera's display, and decides on the page while the camera waits."""

    api: Api
    decision: str
    told: list[str] = field(default_factory=list)

    def bystander(self) -> Bystander:
        return Bystander(self.told.append, lambda _: True, lambda _: self._decide())

    def _decide(self) -> None:
        shown = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", self.told[0])
        assert shown
        (item,) = self.api.get("/config/sightings").get_json()["items"]
        assert item["shown"] == shown[0], "the page shows what the camera shows"
        body = {"name": item["name_wish"], "device_id": "cam-rear-1"} if self.decision == "accept" else None
        assert self.api.post(f"/config/sightings/{item['code']}/{self.decision}", body).status_code in {200, 204}


def test_a_camera_without_a_token_gets_its_identity(served: Served, tmp_path: Path) -> None:
    home = AgentHome(tmp_path / "camera")
    guard = Guard(served.api, "accept")
    answer = enrol_on_sight(home, SightWish(served.url, "Rear door"), guard.bystander())
    assert answer.device_id == read_identity(home).common_name == "cam-rear-1"
    assert home.credentials.ca.read_bytes() == served.api.parts.prover.root_pem
    assert served.api.get("/config/devices/cam-rear-1").get_json()["state"] == "accepted"


def test_a_camera_that_is_turned_away_keeps_nothing(served: Served, tmp_path: Path) -> None:
    home = AgentHome(tmp_path / "camera")
    guard = Guard(served.api, "reject")
    with pytest.raises(EnrolmentRefused, match="turned this camera away"):
        enrol_on_sight(home, SightWish(served.url, "Rear door"), guard.bystander())
    with pytest.raises(IdentityUnusable):
        read_identity(home)
