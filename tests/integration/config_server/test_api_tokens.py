"""Scoped API tokens over REST: made once, kept as hashes, never wider than their maker's rights."""

from typing import Any

import pytest

from config_server.ca import initialise
from config_server.tokens import Scope, hash_of
from tests.integration.config_server.conftest import Api
from tests.integration.config_server.test_moves import as_person


def make(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.post("/config/tokens", {"label": "grafana", "scopes": ["devices:read"], **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


def revoke(api: Api, token_id: str) -> int:
    headers = {"Authorization": f"Bearer {api.token}"}
    return api.client.delete(f"/config/tokens/{token_id}", headers=headers).status_code


def test_a_token_is_shown_once_and_kept_as_a_hash(api: Api) -> None:
    made = make(api)
    listed = api.get("/config/tokens").get_json()["items"]
    assert [item["label"] for item in listed] == ["grafana", "admin"]
    assert made["token"] not in api.get("/config/tokens").text
    with api.store.reading() as tx:
        record = tx.api_tokens.get(hash_of(made["token"]))
    assert record
    assert made["token"] not in repr(record)


def test_a_token_does_what_its_scopes_say_and_nothing_else(api: Api) -> None:
    token = make(api)["token"]
    assert api.get("/config/devices", token).status_code == 200
    for path in ("/config/ca", "/config/tokens", "/config/sites"):
        assert api.get(path, token).status_code == 403
    assert api.post("/config/devices", {"name": "x"}, token).status_code == 403


def test_writing_includes_provisioning(api: Api) -> None:
    token = make(api, scopes=["devices:write"])["token"]
    assert api.post("/config/devices", {"name": "x"}, token).status_code == 201
    assert api.get("/config/devices", token).status_code == 403


def test_a_token_of_one_site_sees_and_changes_that_site_only(api: Api) -> None:
    for site in ("yard1", "harbor1"):
        api.post("/config/sites", {"id": site, "name": site, "time_zone": "Europe/Bucharest"})
        api.provision(f"Camera {site}", device_id=f"cam-{site}", site=site)
    token = make(api, sites=["yard1"], scopes=["devices:read", "devices:write"])["token"]
    seen = api.get("/config/devices", token).get_json()["items"]
    assert [device["device_id"] for device in seen] == ["cam-yard1"]
    assert api.post("/config/devices/cam-harbor1/accept", None, token).status_code == 404
    assert api.post("/config/devices/cam-yard1/accept", None, token).status_code == 200
    assert api.post("/config/devices", {"name": "No site"}, token).status_code == 404


def test_an_expired_and_a_revoked_token_do_nothing(api: Api) -> None:
    short, other = make(api, days=1), make(api, label="other")
    api.clock.advance(hours=25)
    assert api.get("/config/devices", short["token"]).status_code == 401
    assert api.get("/config/devices", other["token"]).status_code == 200
    assert revoke(api, other["id"]) == 204
    assert api.get("/config/devices", other["token"]).status_code == 401
    assert revoke(api, "nonsense") == 404


def test_making_and_revoking_is_audited_without_the_token(api: Api) -> None:
    made = make(api)
    revoke(api, made["id"])
    with api.store.reading() as tx:
        entries = [entry for entry in tx.audit.of_device(None) if entry.actor == "token:admin"]
    assert [entry.action for entry in entries] == ["token.made", "token.revoked"]
    assert made["token"] not in str(entries)


def test_a_label_names_one_living_token(api: Api) -> None:
    made = make(api)
    body = {"label": "grafana", "scopes": ["devices:read"]}
    assert api.post("/config/tokens", body).status_code == 409
    assert api.post("/config/tokens", {**body, "label": "admin"}).status_code == 409
    revoke(api, made["id"])
    assert api.post("/config/tokens", body).status_code == 201


def test_nobody_gives_rights_that_they_do_not_have(api: Api) -> None:
    keeper = make(api, label="keeper", scopes=["tokens:write", "devices:read"])["token"]
    wide = api.post("/config/tokens", {"label": "wide", "scopes": ["devices:write"]}, keeper)
    assert wide.status_code == 422
    assert "devices:write" in wide.get_json()["detail"]
    assert api.post("/config/tokens", {"label": "narrow", "scopes": ["devices:read"]}, keeper).status_code == 201


def test_an_admin_of_one_site_makes_and_sees_tokens_of_that_site_only(api: Api) -> None:
    api.post("/config/sites", {"id": "yard1", "name": "Yard", "time_zone": "Europe/Bucharest"})
    person = as_person(api, "admin", ["yard1"])
    body = {"label": "mine", "scopes": ["devices:read"]}
    assert api.post("/config/tokens", body, **person).status_code == 422
    assert api.post("/config/tokens", {**body, "sites": ["yard1"]}, **person).status_code == 201
    assert [item["label"] for item in api.get("/config/tokens", **person).get_json()["items"]] == ["mine"]


@pytest.mark.parametrize(
    "body",
    [
        {"label": "x", "scopes": []},
        {"label": "x", "scopes": ["everything"]},
        {"label": "", "scopes": ["devices:read"]},
        {"label": "x\n", "scopes": ["devices:read"], "days": 0},
        {"label": "x", "scopes": ["devices:read"], "sites": ["../x"]},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert api.post("/config/tokens", body).status_code == 422


def test_the_services_token_is_in_no_list(api: Api) -> None:
    labels = {item["label"] for item in api.get("/config/tokens").get_json()["items"]}
    assert labels == {"admin"}


def test_the_admins_token_of_an_older_release_learns_the_new_scopes(api: Api) -> None:
    with api.store.writing() as tx:
        tx.api_tokens.widen(hash_of(api.token), {Scope.DEVICES_READ, Scope.DEVICES_WRITE})
    assert api.get("/config/tokens").status_code == 403
    initialise(api.settings, api.store, api.clock())
    assert api.get("/config/tokens").status_code == 200
