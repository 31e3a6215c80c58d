"""Garbage at every route: a problem in the 4xx range, never a defect, and nothing registered by it."""

from itertools import product

import pytest

from config_server.app import MAX_BODY_BYTES
from tests.integration.config_server.conftest import Api
from tests.support.garbage import BODIES, KINDS, QUERIES

POSTED = (
    "/config/devices",
    "/config/devices/cam-nobody/bundle",
    "/config/devices/cam-nobody/enrolment",
    "/config/sites",
    "/config/enrol",
    "/config/enrol/proof",
)
READ = ("/config/devices", "/config/devices/cam-nobody", "/config/sites", "/crl/x.crl", "/ca/root.pem", "/healthz")


@pytest.mark.parametrize("path", POSTED)
def test_no_body_is_more_than_refused(api: Api, path: str) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    for what, kind in product(BODIES, KINDS):
        answer = api.client.post(path, data=BODIES[what], content_type=kind, headers=headers)
        assert 400 <= answer.status_code < 500, (what, kind, answer.text)
        assert answer.content_type == "application/problem+json", (what, kind)
        assert answer.get_json()["detail"], (what, kind)
    assert api.get("/config/devices").get_json()["items"] == []


@pytest.mark.parametrize("path", POSTED)
def test_a_body_over_the_limit_is_refused_before_it_is_read(api: Api, path: str) -> None:
    answer = api.client.post(
        path,
        data=b"x" * (MAX_BODY_BYTES + 1),
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.token}"},
    )
    assert answer.status_code in {404, 413}
    assert answer.content_type == "application/problem+json"


def test_a_body_that_is_no_object_says_what_to_send(api: Api) -> None:
    answer = api.post("/config/devices", [])
    assert answer.get_json()["detail"] == "body: send a JSON object with Content-Type: application/json"


def test_no_query_is_more_than_refused(api: Api) -> None:
    for path, query in product(READ, QUERIES):
        answer = api.get(f"{path}?{query}")
        assert answer.status_code < 500, (path, query, answer.text)
        assert answer.status_code == 200 or answer.content_type == "application/problem+json", (path, query)


def test_a_wrong_token_is_a_401_that_says_nothing_of_it(api: Api) -> None:
    for token in ("", "x" * 5_000, "cfa_\N{SNOWMAN}", "cfs_wrong", "two words"):
        answer = api.client.get("/config/devices", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json"), token[:20]
        assert not token or token not in answer.text
