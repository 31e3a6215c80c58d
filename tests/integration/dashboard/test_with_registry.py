"""The dashboard and a real config_server: a person's orders arrive, with the person's rights and name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.api.registry import REGISTRY_CLIENT
from dashboard.people.accounts import Rights
from dashboard.registry_client import RegistryClient
from tests.integration.dashboard.conftest import Web
from tests.support.config_server import ConfigServer, running_config_server

API = "/api/v1/registry"


@pytest.fixture(scope="module")
def config_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfigServer]:
    with running_config_server(tmp_path_factory.mktemp("config")) as running:
        yield running


@pytest.fixture
def joined(web: Web, config_server: ConfigServer) -> Web:
    web.app.extensions[REGISTRY_CLIENT] = RegistryClient(config_server.url, config_server.home.secret("service.token"))
    return web


def test_an_operator_provisions_and_rejects_but_does_not_revoke(joined: Web) -> None:
    olga = joined.person("olga", Rights("operator"))
    made = joined.write(olga, "POST", f"{API}/devices", {"name": "Gate north"})
    assert made.status_code == 201
    assert made.json["enrolment"]["qr"].startswith("data:image/svg+xml")
    one = f"{API}/devices/{made.json['device']['device_id']}"
    assert joined.write(olga, "POST", f"{one}/token").json["command"].startswith("camfleet-agent enroll")
    assert joined.write(olga, "POST", f"{one}/revoke").status_code == 403
    assert joined.write(olga, "POST", f"{one}/reject").json["state"] == "rejected"
    again = joined.write(olga, "POST", f"{API}/devices", {"name": "Gate north"})
    assert again.status_code == 409


def test_an_admin_cuts_a_camera_off_and_sees_how_far_it_is(joined: Web) -> None:
    admin = joined.admin()
    device_id = joined.write(admin, "POST", f"{API}/devices", {"name": "Yard"}).json["device"]["device_id"]
    one = f"{API}/devices/{device_id}"
    assert joined.write(admin, "POST", f"{one}/accept").json["state"] == "accepted"
    assert joined.write(admin, "POST", f"{one}/revoke").json["denied"] is True
    cutoff = admin.get(f"{one}/cutoff").json
    assert (cutoff["step"], cutoff["finished_at"]) == ("recorded", None)
    assert joined.write(admin, "POST", f"{one}/re-enrol").status_code == 409
    assert joined.write(admin, "POST", f"{one}/decommission").json["state"] == "decommissioned"
    assert admin.get(f"{API}/certificates?device={device_id}").json["items"] == []


def test_a_person_of_one_site_does_not_see_the_others(joined: Web) -> None:
    admin = joined.admin()
    for site in ("hq", "depot"):
        body = {"id": site, "name": site, "time_zone": "Europe/Vienna"}
        assert joined.write(admin, "POST", f"{API}/sites", body).status_code == 201
        made = joined.write(admin, "POST", f"{API}/devices", {"name": f"Door {site}", "site": site})
        assert made.status_code == 201
    olga = joined.person("olga", Rights("operator", frozenset({"hq"})))
    assert [site["id"] for site in olga.get(f"{API}/sites").json["items"]] == ["hq"]
    assert [device["name"] for device in olga.get(f"{API}/devices").json["items"]] == ["Door hq"]
    refused = joined.write(olga, "POST", f"{API}/devices", {"name": "Elsewhere", "site": "depot"})
    assert refused.status_code == 404


def test_a_token_is_made_used_and_revoked(joined: Web, config_server: ConfigServer) -> None:
    admin = joined.admin()
    body = {"label": "grafana", "scopes": ["devices:read"], "days": 90}
    made = joined.write(admin, "POST", f"{API}/tokens", body)
    assert made.status_code == 201
    listed = admin.get(f"{API}/tokens").json["items"]
    assert made.json["token"] not in str(listed)
    with config_server.client(made.json["token"]) as script:
        assert script.get("/config/devices").status_code == 200
        assert joined.write(admin, "DELETE", f"{API}/tokens/{made.json['id']}").status_code == 204
        assert script.get("/config/devices").status_code == 401


def test_a_list_of_cameras_is_registered_and_their_tokens_come_as_csv(joined: Web) -> None:
    admin = joined.admin()
    lines = "\n".join(f"Hall {number}" for number in range(300))
    made = joined.write(admin, "POST", f"{API}/batch", {"lines": lines})
    assert made.status_code == 201
    rows = made.json["csv"].splitlines()
    assert (rows[0], len(rows)) == ("device_id,name,token", 301)
    again = joined.write(admin, "POST", f"{API}/batch", {"lines": "Hall 300\nHall 7"})
    assert again.status_code == 409
    assert "Hall 7" in again.json["detail"]


def test_every_order_is_on_the_registrys_record_under_the_persons_name(joined: Web) -> None:
    olga = joined.person("olga", Rights("operator"))
    device_id = joined.write(olga, "POST", f"{API}/devices", {"name": "On record"}).json["device"]["device_id"]
    found = joined.admin().get(f"/api/v1/audit/devices?device={device_id}").json["items"]
    assert {item["actor_name"] for item in found} == {"olga"}
    assert {item["source"] for item in found} == {"192.0.2.7"}
    assert len(found) >= 2


def test_the_authorities_and_their_lists_are_shown(joined: Web) -> None:
    shown = joined.admin().get(f"{API}/ca").json
    assert len(shown["root"]["fingerprint"]) == 64
    assert shown["crls"]


def test_nobody_waits_to_be_let_in_at_first(joined: Web) -> None:
    assert joined.admin().get(f"{API}/sightings").json["items"] == []


def test_the_registry_wants_what_it_is_asked_to_be_well_formed(joined: Web, tmp_path: Path) -> None:
    admin = joined.admin()
    refused = joined.write(admin, "POST", f"{API}/devices", {"name": "", "more": 1})
    assert (refused.status_code, "name" in refused.json["detail"]) == (422, True)
    assert admin.get(f"{API}/devices?state=asleep").status_code == 422
    assert admin.get(f"{API}/devices/cam-nobody").status_code == 404
