"""The REST API of the registry, the trust routes, limits and problems."""

import re
from pathlib import Path

import pytest
from cryptography import x509

from config_server.guards import Kind, guard_of
from fleet.pki import read_certificate
from tests.integration.config_server.conftest import Api, make_api


def test_a_device_is_registered_listed_and_shown(api: Api) -> None:
    created = api.provision("Poartă 前門", device_id="cam-front-gate")
    assert created["device"]["name"] == "Poartă 前門"
    assert created["device"]["state"] == "pending"
    assert created["device"]["certificate"] is None
    ticket = created["enrolment"]
    assert ticket["command"] == f"camfleet-agent enroll --server https://localhost:8443 --token {ticket['token']}"
    assert ticket["token"].startswith(ticket["token_id"])
    assert api.get("/config/devices").get_json() == {"items": [created["device"]], "cursor": None}
    assert api.get("/config/devices/cam-front-gate").get_json() == created["device"]


def test_an_enrolled_device_shows_its_certificate(api: Api) -> None:
    body = api.enrol(api.provision(device_id="cam-front-gate")["enrolment"]["token"]).get_json()
    facts = read_certificate(body["certificate_pem"].encode())
    shown = api.get("/config/devices/cam-front-gate").get_json()["certificate"]
    assert shown["serial"] == f"{facts.serial:x}"
    assert shown["not_after"].endswith("Z")


def test_lists_come_page_by_page_and_filtered(api: Api) -> None:
    for number in range(5):
        api.provision(f"Camera {number}", device_id=f"cam-number-{number}")
    api.post("/config/devices/cam-number-3/bundle")
    first = api.get("/config/devices?limit=2").get_json()
    second = api.get(f"/config/devices?limit=2&cursor={first['cursor']}").get_json()
    third = api.get(f"/config/devices?limit=2&cursor={second['cursor']}").get_json()
    ids = [device["device_id"] for page in (first, second, third) for device in page["items"]]
    assert ids == [f"cam-number-{number}" for number in range(5)]
    assert third["cursor"] is None
    accepted = api.get("/config/devices?state=accepted").get_json()["items"]
    assert [device["device_id"] for device in accepted] == ["cam-number-3"]


@pytest.mark.parametrize("name", ["Front gate", "  FRONT   gate ", "ｆｒｏｎｔ gate"])
def test_a_name_is_given_once(api: Api, name: str) -> None:
    api.provision("Front gate")
    answer = api.post("/config/devices", {"name": name})
    assert answer.status_code == 409
    assert "choose another name" in answer.get_json()["detail"]


def test_an_id_is_given_once_and_names_alike_get_ids_of_their_own(api: Api) -> None:
    api.provision("One", device_id="cam-front-gate")
    assert api.post("/config/devices", {"name": "Two", "device_id": "cam-front-gate"}).status_code == 409
    ids = {api.provision(name)["device"]["device_id"] for name in ("北", "南", "Tor", "Tór")}
    assert len(ids) == 4


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 81},
        {"name": "a\u0000b"},
        {"name": "a\u202eb"},
        {"name": 5},
        {"name": "x", "device_id": "srv-ingest-1"},
        {"name": "x", "device_id": "cam-a/../b"},
        {"name": "x", "device_id": "cam-ABCDE"},
        {"name": "x", "unknown": 1},
        [],
        "text",
    ],
)
def test_what_cannot_be_a_device_is_refused(api: Api, body: object) -> None:
    answer = api.post("/config/devices", body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert set(answer.get_json()) == {"type", "title", "status", "detail", "request_id"}
    assert api.get("/config/devices").get_json()["items"] == []


def test_sites_have_a_real_time_zone_and_ids_of_their_own(api: Api) -> None:
    site = {"id": "yard", "name": "North yard", "time_zone": "Europe/Bucharest"}
    assert api.post("/config/sites", site).status_code == 201
    assert api.post("/config/sites", site).status_code == 409
    wrong = api.post("/config/sites", {**site, "id": "other", "time_zone": "Europe/Atlantis"})
    assert wrong.status_code == 422
    assert "IANA" in wrong.get_json()["detail"]
    assert api.get("/config/sites").get_json() == {"items": [site]}
    assert api.post("/config/devices", {"name": "x", "site": "nowhere"}).status_code == 404


def test_a_bundle_is_complete_audited_and_kept_nowhere(api: Api) -> None:
    created = api.provision(device_id="cam-front-gate")
    files = api.post("/config/devices/cam-front-gate/bundle").get_json()["files"]
    assert set(files) == {"key.pem", "certificate.pem", "ca.pem", "agent.toml"}
    assert read_certificate(files["certificate.pem"].encode()).common_name == "cam-front-gate"
    assert 'device_id = "cam-front-gate"' in files["agent.toml"]
    assert "device.bundled" in api.audit_of("cam-front-gate")
    assert api.enrol(created["enrolment"]["token"]).status_code == 403
    secret = files["key.pem"].splitlines()[1].encode()
    for path in api.settings.home.path.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


def test_no_bundle_for_a_device_that_does_not_exist(api: Api) -> None:
    assert api.post("/config/devices/cam-nobody/bundle").status_code == 404


def test_crls_and_root_come_with_an_etag(api: Api) -> None:
    root = api.get("/ca/root.pem", "")
    assert read_certificate(root.data).common_name.startswith("Camfleet root")
    with api.store.reading() as tx:
        skis = [crl.issuer_ski for crl in tx.crls.all()]
    assert len(skis) == 3
    for ski in skis:
        first = api.get(f"/crl/{ski}.crl", "")
        assert x509.load_der_x509_crl(first.data).next_update_utc
        assert first.content_type == "application/pkix-crl"
        again = api.get(f"/crl/{ski}.crl", "", If_None_Match=first.headers["ETag"])
        assert (again.status_code, again.data) == (304, b"")
    assert api.get("/crl/" + "0" * 40 + ".crl", "").status_code == 404
    assert api.get("/crl/..%2f..%2fsecrets.crl", "").status_code in {404, 422}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/config/devices", 405)])
def test_even_routing_errors_are_problems_with_a_request_id(api: Api, method: str, path: str, status: int) -> None:
    answer = api.client.open(path, method=method, headers={"X-Request-Id": "from-nginx-1234"})
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"] == "from-nginx-1234"


def test_a_request_id_that_could_break_a_log_line_is_replaced(api: Api) -> None:
    answer = api.client.get("/nothing", headers={"X-Request-Id": "a b c d e f g h"})
    assert answer.headers["X-Request-Id"] != "a b c d e f g h"


def test_the_openapi_document_names_every_api_route_its_token_and_its_problems(api: Api) -> None:
    document = api.get("/config/openapi/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    routes = {rule.rule for rule in api.client.application.url_map.iter_rules()}
    ours = {re.sub("<string:([a-z_]+)>", r"{\1}", path) for path in routes if path.startswith(("/config/", "/c"))}
    assert {path for path in ours if not path.startswith("/config/openapi")} == set(document["paths"])
    app = api.client.application
    kinds = {
        (re.sub("<string:([a-z_]+)>", r"{\1}", rule.rule), method.lower()): guard_of(app, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert "application/problem+json" in operation["responses"]["422"]["content"], path
            guard = kinds[path, method]
            assert guard
            assert ("security" in operation) is (guard.kind is Kind.TOKEN), (path, method)


def test_open_routes_are_limited_by_address(tmp_path: Path) -> None:
    limited = make_api(tmp_path / "home", enrolment_rate="3 per minute")
    body = {"token_id": "ABC123", "nonce": "00" * 32}
    statuses = [limited.client.post("/config/enrol/proof", json=body).status_code for _ in range(4)]
    assert statuses == [403, 403, 403, 429]
    answer = limited.client.post("/config/enrol/proof", json=body)
    assert answer.content_type == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    from_elsewhere = {"X-Forwarded-For": "198.51.100.7"}
    assert limited.client.post("/config/enrol/proof", json=body, headers=from_elsewhere).status_code == 403
    limited.store.close()


def test_the_source_of_a_request_is_what_nginx_says(api: Api) -> None:
    api.post("/config/devices", {"name": "x", "device_id": "cam-front-gate"}, X_Forwarded_For="198.51.100.7")
    with api.store.reading() as tx:
        assert {entry.source for entry in tx.audit.of_device("cam-front-gate")} == {"198.51.100.7"}
