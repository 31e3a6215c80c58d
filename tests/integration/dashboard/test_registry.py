"""What signed-in people ask of the registry through the dashboard: roles, CSRF, refusals, QR codes."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from dashboard.people.accounts import Rights
from dashboard.registry_client import Asker, Question, RegistryClient
from dashboard.store.people import User
from fleet.problem import Problem
from tests.integration.dashboard.conftest import Web
from tests.support.ports import free_port
from tests.support.pretended_registry import COMMAND, certificate, sighting

API = "/api/v1/registry"
WRITES = [
    ("POST", "/devices", "operator"),
    ("POST", "/batch", "operator"),
    ("POST", "/devices/cam-gate/token", "operator"),
    ("POST", "/devices/cam-gate/accept", "operator"),
    ("POST", "/devices/cam-gate/reject", "operator"),
    ("POST", "/devices/cam-gate/revoke", "admin"),
    ("POST", "/devices/cam-gate/decommission", "admin"),
    ("POST", "/devices/cam-gate/re-enrol", "admin"),
    ("POST", "/sightings/7K2Q9DABCDEF/accept", "operator"),
    ("POST", "/sightings/7K2Q9DABCDEF/reject", "operator"),
    ("POST", "/sites", "admin"),
    ("POST", "/tokens", "admin"),
    ("DELETE", "/tokens/t1", "admin"),
]
ADA = Asker(User("u-1", "ada", "operator", "", frozenset({"hq"})), "request-12345678", "192.0.2.7")


def stocked(web: Web) -> Web:
    web.registry.own("cam-gate", state="pending")
    web.registry.sightings["7K2Q9DABCDEF"] = sighting()
    web.registry.certificates.append(certificate("cam-gate"))
    return web


def test_each_write_needs_its_role_and_a_viewer_none_has(web: Web) -> None:
    stocked(web)
    viewer = web.person("vera", Rights("viewer"))
    operator = web.person("olga", Rights("operator"))
    for method, path, role in WRITES:
        body = {"name": "Gate", "lines": "Yard"}
        assert web.write(viewer, method, API + path, body).status_code == 403, path
        allowed = web.write(operator, method, API + path, body).status_code < 300
        assert allowed == (role == "operator") or "sightings" in path, path
    assert {name for name, _ in web.registry.asked} == {"olga"}


def test_no_write_passes_without_the_csrf_token(web: Web) -> None:
    client = stocked(web).admin()
    for method, path, _ in WRITES:
        assert client.open(API + path, method=method, json={}).status_code == 400, path
    for method, path in (("POST", ""), ("PATCH", "/u-1"), ("DELETE", "/u-1"), ("POST", "/u-1/password")):
        assert client.open(f"/api/v1/people{path}", method=method, json={}).status_code == 400, path
    assert web.registry.asked == []


def test_a_viewer_reads_devices_certificates_and_how_a_cut_off_went(web: Web) -> None:
    viewer = stocked(web).person("vera", Rights("viewer"))
    assert viewer.get(f"{API}/devices/cam-gate").json["state"] == "pending"
    assert len(viewer.get(f"{API}/certificates?device=cam-gate").json["items"]) == 1
    assert viewer.get(f"{API}/devices/cam-gate/cutoff").status_code == 404
    assert viewer.get(f"{API}/sightings").status_code == 403
    assert viewer.get("/admin").status_code == 403
    assert viewer.get("/api/v1/audit/devices").status_code == 403


def test_a_new_camera_comes_with_one_command_and_its_qr_code(web: Web) -> None:
    client = web.admin()
    made = web.write(client, "POST", f"{API}/devices", {"name": "Gate north", "site": "hq"})
    assert made.status_code == 201
    assert made.json["enrolment"]["command"] == COMMAND
    assert made.json["enrolment"]["qr"].startswith("data:image/svg+xml")
    assert "style" not in made.json["enrolment"]["qr"]
    assert web.registry.asked[0][1].body == {"name": "Gate north", "site": "hq"}
    again = web.write(client, "POST", f"{API}/devices", {"name": "Gate north"})
    assert (again.status_code, "Gate north" in again.json["detail"]) == (409, True)


@pytest.mark.parametrize("body", [{}, {"lines": ""}, {"lines": 7}, {"lines": " \n "}])
def test_a_list_without_lines_is_refused_before_anybody_is_asked(web: Web, body: object) -> None:
    answer = web.write(web.admin(), "POST", f"{API}/batch", body)
    assert (answer.status_code, web.registry.asked) == (422, [])


def test_only_known_parts_of_a_query_are_passed_on(web: Web) -> None:
    stocked(web).admin().get(f"{API}/devices?state=pending&site=&evil=1&cursor=cam-a")
    assert web.registry.asked[0][1].query == {"state": "pending", "cursor": "cam-a"}


def test_what_stands_in_an_address_stays_one_part_of_the_path(web: Web) -> None:
    web.admin().get(f"{API}/devices/..%3Fx=1%23y")
    assert web.registry.asked[0][1].path == "/config/devices/..%3Fx%3D1%23y"


@pytest.mark.parametrize("body", ["", "[]", "nonsense", "null", "[" * 100_000])
def test_a_body_that_is_no_object_is_a_400(web: Web, body: str) -> None:
    client = web.admin()
    token = web.write(client, "GET", "/").request.headers["X-CSRFToken"]
    answer = client.post(f"{API}/devices", data=body, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code in (400, 413)


@contextmanager
def registry_saying(status: int, body: str, asked: list[Request]) -> Iterator[str]:
    """A registry over HTTP that gives one answer to everything."""

    @Request.application
    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(body, status, content_type="application/json")

    server = make_server("127.0.0.1", free_port(), answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(5)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "service.token"
    file.write_text("cfs_secret\n")
    return file


def test_the_registry_hears_who_asks_by_id_only(token_file: Path) -> None:
    asked: list[Request] = []
    with registry_saying(200, '{"items": []}', asked) as url:
        RegistryClient(url, token_file).ask(Question("GET", "/config/devices", {"state": "pending"}), ADA)
    headers = asked[0].headers
    actor = json.loads(base64.urlsafe_b64decode(headers["Camfleet-Actor"] + "=="))
    wanted = {"user_id": "u-1", "role": "operator", "site_ids": ["hq"], "request_id": "request-12345678"}
    assert (actor, headers["Authorization"]) == (wanted, "Bearer cfs_secret")
    assert (headers["X-Forwarded-For"], headers["X-Request-Id"]) == ("192.0.2.7", "request-12345678")


@pytest.mark.parametrize(
    ("status", "body", "shown", "words"),
    [
        (409, '{"title": "Conflict", "detail": "the name is taken"}', 409, "the name is taken"),
        (404, '{"title": "Not Found", "detail": "no such device"}', 404, "no such device"),
        (401, '{"title": "Unauthorized"}', 503, "camfleet ca init"),
        (500, "[]", 500, "its log says why"),
        (200, "<html>", 503, "managed_start.sh status"),
        (302, "{}", 502, "answered 302"),
    ],
)
def test_each_failure_of_the_registry_says_what_to_do(
    token_file: Path, status: int, body: str, shown: int, words: str
) -> None:
    with registry_saying(status, body, []) as url, pytest.raises(Problem) as caught:
        RegistryClient(url, token_file).ask(Question("GET", "/config/devices"), ADA)
    assert (caught.value.status, words in caught.value.detail) == (shown, True)


def test_a_registry_that_is_away_or_slow_is_a_503_within_its_time(token_file: Path) -> None:
    with pytest.raises(Problem, match=r"managed_start\.sh status"):
        RegistryClient(f"http://127.0.0.1:{free_port()}", token_file).ask(Question("GET", "/"), ADA)
    silent = make_server("127.0.0.1", free_port(), lambda *_: [])
    with pytest.raises(Problem, match=r"managed_start\.sh status"):
        RegistryClient(f"http://127.0.0.1:{silent.port}", token_file, timeout_s=0.1).ask(Question("GET", "/"), ADA)
    silent.server_close()


def test_a_missing_service_token_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="camfleet ca init"):
        RegistryClient("http://127.0.0.1:1", tmp_path / "none").ask(Question("GET", "/"), ADA)
