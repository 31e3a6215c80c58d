"""The audit trail over REST: who did what to which camera, when, and from where."""

import pytest

from tests.integration.config_server.conftest import Api
from tests.integration.config_server.test_moves import as_person


def test_entries_are_listed_newest_first_page_by_page(api: Api) -> None:
    token = api.provision(device_id="cam-front-gate")["enrolment"]["token"]
    api.enrol(token)
    api.post("/config/devices/cam-front-gate/revoke", None, None, X_Forwarded_For="198.51.100.7")
    first = api.get("/config/audit?device=cam-front-gate&limit=2").get_json()
    assert [item["action"] for item in first["items"]] == ["device.cut-off", "device.enrolled"]
    newest = first["items"][0]
    assert (newest["actor"], newest["source"], newest["at"][-1]) == ("token:admin", "198.51.100.7", "Z")
    rest = api.get(f"/config/audit?device=cam-front-gate&limit=2&cursor={first['cursor']}").get_json()
    assert [item["action"] for item in rest["items"]] == ["enrolment.token-made", "device.registered"]
    assert rest["cursor"] is None


def test_whoever_is_limited_to_sites_sees_their_devices_entries_only(api: Api) -> None:
    for site in ("yard1", "harbor1"):
        api.post("/config/sites", {"id": site, "name": site, "time_zone": "Europe/Bucharest"})
        api.provision(f"Camera {site}", device_id=f"cam-{site}", site=site)
    seen = api.get("/config/audit", **as_person(api, "admin", ["yard1"])).get_json()["items"]
    assert {item["device_id"] for item in seen} == {"cam-yard1"}
    assert None in {item["device_id"] for item in api.get("/config/audit").get_json()["items"]}


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_admins_read_it(api: Api, role: str) -> None:
    assert api.get("/config/audit", **as_person(api, role)).status_code == 403


@pytest.mark.parametrize("query", ["cursor=-1", "cursor=99999999999999999999", "cursor=x", "limit=0"])
def test_a_query_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    assert api.get(f"/config/audit?{query}").status_code == 422
