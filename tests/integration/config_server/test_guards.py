"""Every route names its guard, and each guard lets in only those it is for."""

import base64
import json
import re
from typing import Any

import pytest

from config_server.guards import OPEN_ROUTES, Kind, guard_of
from config_server.tokens import Scope, TokenKind, new_token, record_of
from tests.integration.config_server.conftest import Api


def concrete(rule: str) -> str:
    return re.sub(r"<[^>]+>", "x", rule)


def service_token(api: Api) -> str:
    return api.settings.home.secret("service.token").read_text()


def actor(**fields: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


def test_every_route_names_its_guard(api: Api) -> None:
    app = api.client.application
    bare = [rule.rule for rule in app.url_map.iter_rules() if guard_of(app, rule.endpoint) is None]
    assert not bare


def test_the_open_routes_are_exactly_the_closed_list(api: Api) -> None:
    app = api.client.application
    kinds = [(rule.rule, guard_of(app, rule.endpoint)) for rule in app.url_map.iter_rules()]
    is_open = {path for path, guard in kinds if guard and guard.kind in {Kind.OPEN, Kind.ENROLMENT}}
    assert is_open == OPEN_ROUTES


def test_a_route_without_a_guard_answers_nobody(api: Api) -> None:
    app = api.client.application
    app.view_functions["forgotten"] = lambda: "secret"
    app.url_map.add(type(next(app.url_map.iter_rules()))("/forgotten", endpoint="forgotten"))
    assert api.get("/forgotten").status_code == 403


@pytest.mark.parametrize("token", ["", "cfa_wrong", "x" * 500, "cfs_wrong"])
def test_no_kept_route_answers_without_a_good_token(api: Api, token: str) -> None:
    app = api.client.application
    for rule in app.url_map.iter_rules():
        guard = guard_of(app, rule.endpoint)
        if guard is None or guard.kind is not Kind.TOKEN:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            headers = {"Authorization": f"Bearer {token}"}
            answer = api.client.open(concrete(rule.rule), method=method, headers=headers)
            assert answer.status_code == 401, (rule.rule, method)
            assert answer.content_type == "application/problem+json"


def test_a_revoked_token_is_refused(api: Api) -> None:
    token = new_token(TokenKind.API)
    now = api.clock()
    with api.store.writing() as tx:
        tx.api_tokens.add(record_of(token, TokenKind.API, "old", now))
    assert api.get("/config/devices", token).status_code == 200
    with api.store.writing() as tx:
        tx.api_tokens.revoke_others(TokenKind.API, "old", "", now)
    assert api.get("/config/devices", token).status_code == 401


def test_a_token_does_only_what_its_scopes_say(api: Api) -> None:
    token = new_token(TokenKind.API)
    record = record_of(token, TokenKind.API, "reader", api.clock())
    with api.store.writing() as tx:
        tx.api_tokens.add(type(record)(**{**vars(record), "scopes": frozenset({Scope.DEVICES_READ})}))
    assert api.get("/config/devices", token).status_code == 200
    assert api.get("/config/sites", token).status_code == 403
    assert api.post("/config/devices", {"name": "x"}, token).status_code == 403
    assert api.get("/config/openapi/openapi.json", token).status_code == 200


def test_the_service_token_works_only_with_an_actor(api: Api) -> None:
    token = service_token(api)
    assert api.get("/config/devices", token).status_code == 401
    assert api.get("/config/devices", token, Camfleet_Actor="!!").status_code == 401
    assert api.get("/config/devices", token, Camfleet_Actor=actor(user_id=1, role="viewer")).status_code == 200


def test_an_actor_header_gives_an_api_token_nothing(api: Api) -> None:
    token = new_token(TokenKind.API)
    record = record_of(token, TokenKind.API, "nothing", api.clock())
    with api.store.writing() as tx:
        tx.api_tokens.add(type(record)(**{**vars(record), "scopes": frozenset()}))
    header = actor(user_id=1, role="admin")
    assert api.get("/config/devices", token, Camfleet_Actor=header).status_code == 403


def test_a_persons_role_and_sites_are_enforced_here(api: Api) -> None:
    for site in ("yard1", "harbor1"):
        body = {"id": site, "name": site, "time_zone": "Europe/Bucharest"}
        assert api.post("/config/sites", body).status_code == 201
        api.provision(f"Camera {site}", device_id=f"cam-{site}", site=site)
    token, viewer = service_token(api), actor(user_id=1, role="viewer", site_ids=["yard1"])
    seen = api.get("/config/devices", token, Camfleet_Actor=viewer).get_json()["items"]
    assert [device["device_id"] for device in seen] == ["cam-yard1"]
    assert api.get("/config/devices/cam-harbor1", token, Camfleet_Actor=viewer).status_code == 404
    assert api.post("/config/devices", {"name": "x"}, token, Camfleet_Actor=viewer).status_code == 403

    admin = actor(user_id=2, role="admin", site_ids=["yard1"])
    asked = {"name": "x", "site": "harbor1"}
    assert api.post("/config/devices", asked, token, Camfleet_Actor=admin).status_code == 404
    assert api.post("/config/devices", {"name": "y"}, token, Camfleet_Actor=admin).status_code == 404
    asked = {"name": "z", "site": "yard1", "device_id": "cam-new-one"}
    assert api.post("/config/devices", asked, token, Camfleet_Actor=admin).status_code == 201
    with api.store.reading() as tx:
        assert {entry.actor for entry in tx.audit.of_device("cam-new-one")} == {"user:2"}


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_what_is_for_this_host_is_for_nobody_behind_the_door(api: Api, path: str) -> None:
    assert api.get(path, "").status_code == 200
    assert api.get(path, X_Forwarded_For="127.0.0.1").status_code == 404
    assert api.get(path, Forwarded="for=127.0.0.1").status_code == 404
    assert api.client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404


def test_a_browser_may_send_a_token_as_password_for_the_openapi_page(api: Api) -> None:
    credentials = base64.b64encode(f"me:{api.token}".encode()).decode()
    answer = api.client.get("/config/openapi/scalar", headers={"Authorization": f"Basic {credentials}"})
    assert answer.status_code == 200
    refused = api.client.get("/config/openapi/scalar")
    assert "Basic" in refused.headers["WWW-Authenticate"]
