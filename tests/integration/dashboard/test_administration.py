"""An admin manages people and reads both audit logs."""

from datetime import UTC, datetime

import pytest

from dashboard.people.accounts import Rights
from dashboard.people.sessions import Sessions, Visitor
from dashboard.store.people import People
from tests.integration.dashboard.conftest import Web

PEOPLE = "/api/v1/people"


def ids(web: Web) -> dict[str, str]:
    return {user.name: user.id for user, _ in People(web.database).all()}


def test_an_admin_adds_a_person_who_can_log_in_with_the_password_shown(web: Web) -> None:
    admin = web.admin()
    made = web.write(admin, "POST", PEOPLE, {"name": "olga", "role": "operator", "site_ids": ["hq"]})
    assert (made.status_code, made.json["user"]["site_ids"]) == (201, ["hq"])
    assert logs_in(web, "olga", made.json["password"])
    assert "password" not in str(admin.get(PEOPLE).json)
    again = web.write(admin, "POST", PEOPLE, {"name": "olga", "role": "viewer"})
    assert again.status_code == 409


def logs_in(web: Web, name: str, password: str) -> bool:
    visitor, now = Visitor(None, None), datetime.now(UTC)
    return Sessions(People(web.database)).log_in(name, password, visitor, now) is not None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "", "role": "viewer"},
        {"name": "x", "role": "root"},
        {"name": "x", "role": 7},
        {"name": "a\u0000b", "role": "viewer"},
        {"name": "x" * 81, "role": "viewer"},
        {"name": "x", "role": "viewer", "site_ids": "hq"},
        {"name": "x", "role": "viewer", "site_ids": [7]},
        {"name": "x", "role": "admin", "site_ids": ["hq"]},
    ],
)
def test_what_is_no_person_is_refused_and_nobody_is_added(web: Web, body: object) -> None:
    answer = web.write(web.admin(), "POST", PEOPLE, body)
    assert (answer.status_code, list(ids(web))) == (422, ["admin"])


def test_rights_change_at_once_and_a_removed_person_is_out(web: Web) -> None:
    olga = web.person("olga", Rights("operator"))
    admin, one = web.admin(), f"{PEOPLE}/{ids(web)['olga']}"
    assert web.write(admin, "PATCH", one, {"role": "viewer", "site_ids": ["hq"]}).json["role"] == "viewer"
    assert web.write(olga, "POST", "/api/v1/registry/devices", {"name": "Gate"}).status_code == 403
    renewed = web.write(admin, "POST", f"{one}/password")
    assert olga.get("/api/v1/cameras").status_code == 401
    assert logs_in(web, "olga", renewed.json["password"])
    back = web.logged_in("olga")
    assert web.write(admin, "DELETE", one).status_code == 200
    assert back.get("/api/v1/cameras").status_code == 401
    assert web.write(admin, "DELETE", one).status_code == 404


def test_the_last_admin_stays(web: Web) -> None:
    admin, one = web.admin(), f"{PEOPLE}/{ids(web)['admin']}"
    assert web.write(admin, "DELETE", one).status_code == 409
    assert web.write(admin, "PATCH", one, {"role": "viewer"}).status_code == 409
    web.person("ada", Rights("admin"))
    assert web.write(admin, "PATCH", one, {"role": "viewer"}).status_code == 200


def test_each_change_of_people_is_on_record_with_who_did_it(web: Web) -> None:
    admin = web.admin()
    web.write(admin, "POST", PEOPLE, {"name": "olga", "role": "operator", "site_ids": ["hq", "depot"]})
    one = f"{PEOPLE}/{ids(web)['olga']}"
    web.write(admin, "PATCH", one, {"role": "viewer"})
    web.write(admin, "POST", f"{one}/password")
    web.write(admin, "DELETE", one)
    page = admin.get("/api/v1/audit/people?limit=3").json
    assert [(item["actor"], item["action"], item["detail"]) for item in page["items"]] == [
        ("admin", "user-removed", "olga"),
        ("admin", "password-reset", "olga"),
        ("admin", "user-changed", "olga: viewer, every site"),
    ]
    older = admin.get(f"/api/v1/audit/people?cursor={page['cursor']}").json
    assert [item["detail"] for item in older["items"]] == ["olga: operator, depot, hq"]
    assert older["cursor"] is None


def test_the_registrys_record_names_people_as_the_dashboard_knows_them(web: Web) -> None:
    admin = web.admin()
    entry = {"id": 1, "at": "2026-11-21T08:00:00.000Z", "action": "device.cut-off", "device_id": "cam-gate"}
    web.registry.audit += [
        entry | {"actor": f"user:{ids(web)['admin']}"},
        entry | {"id": 2, "actor": "token:ci", "device_id": "cam-other"},
    ]
    items = admin.get("/api/v1/audit/devices").json["items"]
    assert [item["actor_name"] for item in items] == ["token:ci", "admin"]
    assert [item["id"] for item in admin.get("/api/v1/audit/devices?device=cam-gate").json["items"]] == [1]
