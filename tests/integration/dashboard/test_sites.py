"""A person who is for some sites sees their cameras and events, and nothing of the others."""

import pytest
from flask.testing import FlaskClient

from dashboard.people.accounts import Rights
from dashboard.store.intake import Intake
from tests.contract.dashboard.test_intake import records_of
from tests.integration.dashboard.conftest import Web
from tests.support.camera_words import CAMERA, event, facts, health, presence

ELSEWHERE = "cam-back-door"


@pytest.fixture
def olga(web: Web) -> FlaskClient:
    intake = Intake(web.database)
    intake.write(records_of(facts(site_id="hq"), presence(), health(), event(1, label="person")))
    intake.write(records_of(facts(site_id="depot"), presence(), health(), event(1, label="cat"), device_id=ELSEWHERE))
    return web.person("olga", Rights("operator", frozenset({"hq"})))


def test_cameras_of_other_sites_are_not_there(web: Web, olga: FlaskClient) -> None:
    assert [camera["device_id"] for camera in olga.get("/api/v1/cameras").json["items"]] == [CAMERA]
    assert olga.get(f"/api/v1/cameras/{CAMERA}").status_code == 200
    for path in ("", "/telemetry"):
        assert olga.get(f"/api/v1/cameras/{ELSEWHERE}{path}").status_code == 404
    assert len(web.admin().get("/api/v1/cameras").json["items"]) == 2


def test_events_of_other_sites_are_not_there_however_they_are_asked_for(web: Web, olga: FlaskClient) -> None:
    for query in ("", "?label=cat", "?site=depot", f"?camera={ELSEWHERE}"):
        found = olga.get(f"/api/v1/events{query}").json["items"]
        assert {row["site_id"] for row in found} <= {"hq"}, query
    assert [row["label"] for row in olga.get("/api/v1/events").json["items"]] == ["person"]
    assert len(web.admin().get("/api/v1/events").json["items"]) == 2


def test_somebody_for_no_site_sees_nothing(web: Web, olga: FlaskClient) -> None:
    nobody = web.person("nora", Rights("viewer", frozenset()))
    assert nobody.get("/api/v1/cameras").json["items"] == []
    assert nobody.get("/api/v1/events").json["items"] == []
