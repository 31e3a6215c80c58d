"""Every route names its guard, and each guard keeps its word."""

import pytest
from flask import Flask

from dashboard.feed.app import create_app as create_feed
from dashboard.guards import LOOPBACK_ENDPOINTS, OPEN_ENDPOINTS, Guard, Unguarded, check_guards, guard_of, guarded
from tests.integration.dashboard.conftest import Web


def apps(web: Web) -> list[Flask]:
    return [web.app, create_feed(web.database)]


def address_of(rule: str) -> str:
    return rule.replace("<device_id>", "cam-front").replace("<path:filename>", "tokens.css")


def test_every_route_names_a_guard_and_the_open_ones_are_the_closed_list(web: Web) -> None:
    found = {endpoint: guard_of(app, endpoint) for app in apps(web) for endpoint in app.view_functions}
    assert None not in found.values()
    assert {endpoint for endpoint, guard in found.items() if guard is Guard.OPEN} == OPEN_ENDPOINTS
    assert {endpoint for endpoint, guard in found.items() if guard is Guard.LOOPBACK} == LOOPBACK_ENDPOINTS


def test_nobody_gets_anything_but_what_is_open(web: Web) -> None:
    for app in apps(web):
        client = app.test_client()
        for rule in app.url_map.iter_rules():
            if rule.endpoint in OPEN_ENDPOINTS:
                continue
            method = min(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
            answer = client.open(
                address_of(rule.rule),
                method=method,
                headers={"X-Forwarded-For": "192.0.2.7", "Accept": "application/json"},
            )
            assert answer.status_code in (400, 401, 404), rule.rule


def test_a_person_is_led_to_the_login_page_and_back(web: Web) -> None:
    answer = web.anybody().get("/review?label=person", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/review?label%3Dperson"


def test_a_script_is_told_401(web: Web) -> None:
    answer = web.anybody().get("/api/v1/cameras")
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")


def test_metrics_and_healthz_are_for_this_host_only(web: Web) -> None:
    direct = web.app.test_client()
    for path in ("/metrics", "/healthz"):
        assert direct.get(path).status_code == 200
        assert web.anybody().get(path).status_code == 404
        assert web.admin().get(path).status_code == 404


def test_a_route_without_a_guard_stops_the_start() -> None:
    app = Flask("test", static_folder=None)
    app.add_url_rule("/secret", view_func=lambda: "", endpoint="secret")
    with pytest.raises(Unguarded, match="secret"):
        check_guards(app)


def test_a_route_cannot_declare_itself_open() -> None:
    app = Flask("test", static_folder=None)
    app.add_url_rule("/secret", view_func=guarded(Guard.OPEN)(lambda: ""), endpoint="secret")
    with pytest.raises(Unguarded, match="secret"):
        check_guards(app)
