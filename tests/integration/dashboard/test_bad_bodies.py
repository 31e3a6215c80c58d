"""Garbage at every route: a problem in the 4xx range, never a defect."""

from itertools import product

import pytest
from werkzeug.test import TestResponse

from tests.integration.dashboard.conftest import Web
from tests.support.garbage import BODIES, KINDS, QUERIES

POSTED = ("/login", "/logout", "/api/v1/cameras", "/api/v1/events", "/", "/review", "/health", "/nowhere")
READ = (
    "/api/v1/cameras",
    "/api/v1/cameras/cam-nobody",
    "/api/v1/cameras/%00",
    "/api/v1/cameras/cam-nobody/telemetry",
    "/api/v1/events",
    "/cameras/%00",
    "/review",
)
JSON = {"Accept": "application/json"}


def is_refusal(answer: TestResponse) -> bool:
    return 400 <= answer.status_code < 500 and answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", POSTED)
def test_no_body_is_more_than_refused(web: Web, path: str) -> None:
    for client, what, kind in product((web.anybody(), web.admin()), BODIES, KINDS):
        answer = client.post(path, data=BODIES[what], content_type=kind, headers=JSON)
        assert is_refusal(answer), (what, kind, answer.text)


def test_no_report_of_a_browser_is_a_defect(web: Web) -> None:
    for what, body in BODIES.items():
        assert web.anybody().post("/csp-report", data=body).status_code == 204, what


def test_no_query_is_more_than_refused(web: Web) -> None:
    admin = web.admin()
    for path, query in product(READ, QUERIES):
        answer = admin.get(f"{path}?{query}", headers=JSON)
        assert answer.status_code < 300 or is_refusal(answer), (path, query, answer.text)


def test_a_person_with_a_strange_address_gets_a_page(web: Web) -> None:
    admin = web.admin()
    for path, query in product(("/review", "/", "/login"), QUERIES):
        answer = admin.get(f"{path}?{query}", headers={"Accept": "text/html"})
        assert answer.status_code in {200, 302}, (path, query)


@pytest.mark.parametrize("name", ["admin\0", "a" * 20_000, "\N{RIGHT-TO-LEFT OVERRIDE}nimda", "<b>admin</b>"])
def test_a_hostile_name_cannot_log_in_and_is_never_markup(web: Web, name: str) -> None:
    client = web.anybody()
    page = client.get("/login").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = client.post("/login", data={"csrf_token": token, "username": name, "password": "x\0"})
    assert answer.status_code == 401
    assert "<b>admin" not in answer.text
