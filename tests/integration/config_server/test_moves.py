"""The life of a device over REST: who may move it, what each move does, and what it leaves unchanged."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.integration.config_server.conftest import Api

CAMERA = "cam-front-gate"


def provision(api: Api, **more: str) -> str:
    token: str = api.provision(device_id=CAMERA, **more)["enrolment"]["token"]
    return token


def enrolled(api: Api) -> None:
    assert api.enrol(provision(api)).status_code == 200


def move(api: Api, name: str, device_id: str = CAMERA) -> TestResponse:
    return api.post(f"/config/devices/{device_id}/{name}")


def state_of(api: Api) -> tuple[str, bool]:
    device = api.get(f"/config/devices/{CAMERA}").get_json()
    return device["state"], device["denied"]


def finish_cutoff(api: Api, step: str = "proven") -> None:
    """What the courier does in the end."""
    with api.store.writing() as tx:
        newest = tx.cutoffs.newest_of(CAMERA)
        assert newest
        tx.cutoffs.advance(newest.id, step, "", api.clock())


def as_person(api: Api, role: str, sites: list[str] | None = None) -> dict[str, Any]:
    actor = base64.urlsafe_b64encode(json.dumps({"user_id": 7, "role": role, "site_ids": sites}).encode()).decode()
    return {"token": api.settings.home.secret("service.token").read_text(), "Camfleet_Actor": actor}


def test_a_pending_camera_is_accepted_and_then_enrols(api: Api) -> None:
    token = provision(api)
    answer = move(api, "accept")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "accepted")
    assert api.certificates_of(CAMERA) == 0
    assert api.enrol(token).status_code == 200


def test_a_rejected_camera_never_enrols(api: Api) -> None:
    token = provision(api)
    assert move(api, "reject").get_json()["state"] == "rejected"
    assert api.enrol(token).status_code == 403
    assert api.post(f"/config/devices/{CAMERA}/token").status_code == 422
    assert api.post(f"/config/devices/{CAMERA}/bundle").status_code == 422
    assert api.certificates_of(CAMERA) == 0


def test_a_move_that_the_table_does_not_know_changes_nothing(api: Api) -> None:
    provision(api)
    before = api.audit_of(CAMERA)
    for name in ("revoke", "re-enrol"):
        answer = move(api, name)
        assert answer.status_code == 409
        assert "cam-front-gate is pending and cannot be re" in answer.get_json()["detail"]
    assert state_of(api) == ("pending", False)
    assert api.audit_of(CAMERA) == before


def test_revoking_leaves_the_whole_record_in_one_transaction(api: Api) -> None:
    enrolled(api)
    api.enrol(api.post(f"/config/devices/{CAMERA}/token").get_json()["token"])
    unused = api.post(f"/config/devices/{CAMERA}/token").get_json()["token"]
    assert move(api, "revoke").status_code == 200
    assert state_of(api) == ("accepted", True)
    with api.store.reading() as tx:
        records = tx.certificates.of_subject(CAMERA)
        assert len(records) == 2
        assert {record.revoked_at for record in records} == {api.clock()}
        entry = tx.audit.of_device(CAMERA)[-1]
        assert (entry.action, sorted(entry.detail["serials"])) == ("device.cut-off", sorted(r.serial for r in records))
        (waiting,) = tx.cutoffs.unfinished()
        assert (waiting.device_id, waiting.step, waiting.requested_by) == (CAMERA, "recorded", "token:admin")
        assert tx.devices.denied() == [CAMERA]
    assert api.enrol(unused).status_code == 403
    assert api.get(f"/config/devices/{CAMERA}/cutoff").get_json()["step"] == "recorded"


def test_revoking_twice_while_the_first_goes_on_is_one_cutting_off(api: Api) -> None:
    enrolled(api)
    for _ in range(2):
        assert move(api, "revoke").status_code == 200
    with api.store.reading() as tx:
        assert len(tx.cutoffs.unfinished()) == 1


def test_a_revoked_camera_comes_back_only_by_re_enrolment_and_only_once_the_cut_off_is_done(api: Api) -> None:
    enrolled(api)
    move(api, "revoke")
    assert api.post(f"/config/devices/{CAMERA}/token").status_code == 422
    assert api.post(f"/config/devices/{CAMERA}/bundle").status_code == 422
    for step in ("recorded", "denied", "crl", "failed"):
        finish_cutoff(api, step)
        assert move(api, "re-enrol").status_code == 409
    finish_cutoff(api)
    answer = move(api, "re-enrol")
    assert answer.status_code == 201
    assert state_of(api) == ("accepted", True)
    assert api.enrol(answer.get_json()["token"]).status_code == 200
    assert state_of(api) == ("accepted", False)
    with api.store.reading() as tx:
        records = tx.certificates.of_subject(CAMERA)
        assert [record.revoked_at is None for record in records] == [False, True]


def test_a_token_made_for_re_enrolment_dies_with_the_next_revocation(api: Api) -> None:
    enrolled(api)
    move(api, "revoke")
    finish_cutoff(api)
    token = move(api, "re-enrol").get_json()["token"]
    move(api, "revoke")
    assert api.enrol(token).status_code == 403
    assert state_of(api) == ("accepted", True)


def test_decommissioning_cuts_off_frees_the_name_and_keeps_the_id(api: Api) -> None:
    enrolled(api)
    assert move(api, "decommission").get_json()["state"] == "decommissioned"
    assert state_of(api) == ("decommissioned", True)
    with api.store.reading() as tx:
        assert [cutoff.device_id for cutoff in tx.cutoffs.unfinished()] == [CAMERA]
    assert api.post("/config/devices", {"name": "Another", "device_id": CAMERA}).status_code == 409
    assert api.post("/config/devices", {"name": "Front gate", "device_id": "cam-the-next"}).status_code == 201
    for name in ("accept", "reject", "revoke", "re-enrol", "decommission"):
        assert move(api, name).status_code == 409


def test_a_rejected_camera_can_be_given_up_without_a_cut_off(api: Api) -> None:
    provision(api)
    move(api, "reject")
    assert move(api, "decommission").status_code == 200
    with api.store.reading() as tx:
        assert tx.cutoffs.newest_of(CAMERA) is None
    assert api.get(f"/config/devices/{CAMERA}/cutoff").status_code == 404


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", set()),
        ("operator", {"accept", "reject"}),
        ("admin", {"accept", "reject", "revoke", "decommission", "re-enrol"}),
    ],
)
def test_each_role_makes_its_own_moves(api: Api, role: str, allowed: set[str]) -> None:
    person = as_person(api, role)
    for name in ("accept", "reject", "revoke", "decommission", "re-enrol"):
        # An unknown camera: 404 says that the role would have been allowed.
        answer = api.post(f"/config/devices/cam-nobody/{name}", **person)
        assert answer.status_code == (404 if name in allowed else 403), name
    wanted = 201 if role != "viewer" else 403
    assert api.post("/config/devices", {"name": f"By {role}"}, **person).status_code == wanted


def test_a_certificates_issue_is_the_moment_of_signing_not_its_backdated_begin(api: Api) -> None:
    api.clock.advance(hours=3)
    enrolled(api)
    [shown] = api.get(f"/config/certificates?device={CAMERA}").get_json()["items"]
    issued = datetime.fromisoformat(shown["issued_at"])
    assert timedelta(0) <= api.clock() - issued < timedelta(seconds=1)
    assert issued - datetime.fromisoformat(shown["not_before"]) == timedelta(hours=1)


def test_a_camera_of_another_site_does_not_exist_for_whoever_may_not_see_it(api: Api) -> None:
    for site in ("yard1", "harbor1"):
        api.post("/config/sites", {"id": site, "name": site, "time_zone": "Europe/Bucharest"})
    provision(api, site="yard1")
    person = as_person(api, "admin", ["harbor1"])
    for name in ("accept", "reject", "revoke", "decommission", "re-enrol"):
        assert api.post(f"/config/devices/{CAMERA}/{name}", **person).status_code == 404
    assert api.get(f"/config/devices/{CAMERA}/cutoff", **person).status_code == 404
    assert api.get(f"/config/certificates?device={CAMERA}", **person).status_code == 404
    assert state_of(api) == ("pending", False)


def test_devices_are_found_by_denial_and_by_part_of_their_name(api: Api) -> None:
    enrolled(api)
    api.provision("Rear 100%_door", device_id="cam-rear-1")
    move(api, "revoke")

    def found(query: str) -> list[str]:
        return [device["device_id"] for device in api.get(f"/config/devices?{query}").get_json()["items"]]

    assert found("denied=true") == [CAMERA]
    assert found("denied=false") == ["cam-rear-1"]
    assert found("text=GATE") == [CAMERA]
    assert found("text=0%25_D") == ["cam-rear-1"]
    assert found("text=%25gate") == []


def test_certificates_are_listed_by_their_end_page_by_page(api: Api) -> None:
    for number in range(3):
        created = api.provision(f"Camera {number}", device_id=f"cam-number-{number}")
        api.clock.advance(hours=1)
        api.enrol(created["enrolment"]["token"])
    first = api.get("/config/certificates?limit=2").get_json()
    rest = api.get(f"/config/certificates?limit=2&cursor={first['cursor']}").get_json()
    found = first["items"] + rest["items"]
    assert [item["device_id"] for item in found] == ["cam-number-0", "cam-number-1", "cam-number-2"]
    assert rest["cursor"] is None
    assert {item["purpose"] for item in found} == {"enrolled"}
    assert all(item["active_at"] for item in found)
    due = api.get(f"/config/certificates?due_before={found[1]['not_after']}").get_json()["items"]
    assert [item["device_id"] for item in due] == ["cam-number-0"]
    only = api.get("/config/certificates?device=cam-number-2").get_json()["items"]
    assert [item["serial"] for item in only] == [found[2]["serial"]]


@pytest.mark.parametrize("cursor", ["x", "2026-13-45T00:00:00.000Z/ab", "9999-12-31T23:59:59.999Z/ab/cd"])
def test_a_cursor_from_nowhere_is_refused(api: Api, cursor: str) -> None:
    assert api.get(f"/config/certificates?cursor={cursor}").status_code == 422


def test_a_time_beyond_the_calendar_is_refused(api: Api) -> None:
    assert api.get("/config/certificates?due_before=9999-12-31T23:59:59-23:59").status_code == 422


def test_the_authorities_are_shown_with_their_lists(api: Api) -> None:
    shown = api.get("/config/ca").get_json()
    assert len(shown["root"]["fingerprint"]) == 64
    assert shown["issuing"]["name"].startswith("Camfleet issuing")
    assert len(shown["crls"]) == 3
