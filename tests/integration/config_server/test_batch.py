"""The preauthorised list: a thousand cameras at once, all or none, as tokens or as ready bundles."""

import csv
import io
import time

import pytest
from werkzeug.test import TestResponse

from config_server.batch import read_batch
from config_server.registry import Invalid
from fleet.pki import public_key_of, read_certificate
from tests.integration.config_server.conftest import Api
from tests.integration.config_server.test_moves import as_person


def post(api: Api, lines: str | bytes, path: str = "", token: str | None = None) -> TestResponse:
    headers = {"Authorization": f"Bearer {token or api.token}"}
    address = f"/config/devices/batch{path}"
    return api.client.post(address, data=lines, content_type="text/csv", headers=headers)


def rows_of(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 201, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def names_in(api: Api) -> list[str]:
    return [device["name"] for device in api.get("/config/devices?limit=500").get_json()["items"]]


def test_names_go_in_and_working_tokens_come_out(api: Api) -> None:
    api.post("/config/sites", {"id": "yard", "name": "Yard", "time_zone": "Europe/Bucharest"})
    rows = rows_of(post(api, 'Front gate,yard\n"Door, rear"\n前門,\n'))
    assert [row["name"] for row in rows] == ["Front gate", "Door, rear", "前門"]
    for row in rows:
        enrolled = api.enrol(row["token"])
        assert enrolled.get_json()["device_id"] == row["device_id"]
        assert api.enrol(row["token"]).status_code == 403
        assert api.audit_of(row["device_id"]) == ["device.registered", "enrolment.token-made", "device.enrolled"]
    assert api.get("/config/devices?site=yard").get_json()["items"][0]["name"] == "Front gate"


def test_a_thousand_are_registered_at_once(api: Api) -> None:
    began = time.monotonic()
    rows = rows_of(post(api, "".join(f"Camera {number}\n" for number in range(1000))))
    assert time.monotonic() - began < 20
    assert len({row["device_id"] for row in rows}) == len({row["token"] for row in rows}) == 1000


@pytest.mark.parametrize("head", ["name\n", "Name,Site\n", "\ufeffname,site\n", ""])
def test_a_head_line_and_empty_lines_are_no_cameras(head: str) -> None:
    lines = read_batch(f"{head}A,\n\n , \nB,yard\n".encode(), 10)
    assert [(line.name, line.site_id) for line in lines] == [("A", None), ("B", "yard")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 cameras"),
        (b"name,site\n", "0 cameras"),
        (b"A\nB,yard,extra\n", "line 2"),
        (b"A\n" + b"x" * 81 + b"\n", "line 2"),
        ("A\n\u202e\n".encode(), "line 2"),
        (b'A\n"B\n', "line"),
        (b"\xff\xfe\n", "UTF-8"),
        (b"A\0B\n", "NUL"),
        (b"A\n" * 1001, "1001 cameras"),
        (b"A\n,yard\n", "line 2"),
    ],
)
def test_a_list_that_is_wrong_names_its_line(content: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_batch(content, 1000)


@pytest.mark.parametrize(
    ("content", "status"), [("A\nB\na\n", 409), ("A\nB\nTaken\n", 409), ("A\nB\nC,atlantis\n", 404)]
)
def test_one_line_that_cannot_be_leaves_nothing_of_the_list(api: Api, content: str, status: int) -> None:
    api.provision("Taken")
    for path in ("", "/bundles"):
        answer = post(api, content, path)
        assert answer.status_code == status
        assert answer.get_json()["detail"].startswith("line 3: ")
    assert names_in(api) == ["Taken"]


def test_a_list_may_be_longer_than_other_bodies_but_not_endless(api: Api) -> None:
    long = "".join(f"{number:04} {'x' * 70}\n" for number in range(1000))
    assert len(long) > 64 * 1024
    assert post(api, long).status_code == 201
    assert post(api, "y" * 300_000).status_code == 413


def test_bundles_are_ready_to_run_and_audited(api: Api) -> None:
    answer = post(api, "One\nTwo\n", "/bundles")
    assert answer.status_code == 201
    for item in answer.get_json()["items"]:
        facts = read_certificate(item["files"]["certificate.pem"].encode())
        assert facts.common_name == item["device_id"]
        assert facts.public_key == public_key_of(item["files"]["key.pem"].encode())
        assert item["device_id"] in item["files"]["agent.toml"]
        assert api.audit_of(item["device_id"]) == ["device.registered", "device.bundled"]
        assert api.get(f"/config/devices/{item['device_id']}").get_json()["state"] == "accepted"


def test_more_bundles_than_a_hundred_at_once_are_refused(api: Api) -> None:
    assert post(api, "".join(f"{number}\n" for number in range(101)), "/bundles").status_code == 422
    assert names_in(api) == []


def test_each_role_and_site_is_enforced(api: Api) -> None:
    for site in ("yard1", "harbor1"):
        api.post("/config/sites", {"id": site, "name": site, "time_zone": "Europe/Bucharest"})
    for role, path, status in (("viewer", "", 403), ("operator", "/bundles", 403), ("operator", "", 201)):
        person = as_person(api, role, ["yard1"])
        headers = {"Authorization": f"Bearer {person['token']}", "Camfleet-Actor": person["Camfleet_Actor"]}
        address = f"/config/devices/batch{path}"
        assert api.client.post(address, data="A,yard1\n", headers=headers).status_code == status
    assert api.client.post("/config/devices/batch", data="B,harbor1\n", headers=headers).status_code == 404
    assert api.client.post("/config/devices/batch", data="B\n", headers=headers).status_code == 404
