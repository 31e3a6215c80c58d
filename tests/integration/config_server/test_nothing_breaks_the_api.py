"""Whatever is sent, the answer is a good one or a problem, never a 5xx, and it repeats nothing that was sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.config_server.conftest import Api, make_api

MARK = "S3CR3T-MARK"
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
FIELDS = {
    "/config/devices": ["name", "device_id", "site"],
    "/config/sites": ["id", "name", "time_zone"],
    "/config/enrol": ["token", "csr_pem"],
    "/config/enrol/proof": ["token_id", "nonce"],
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    made = make_api(folder / "home", enrolment_rate="1000000 per minute", open_rate="1000000 per minute")
    yield made
    made.store.close()


@pytest.mark.parametrize("path", FIELDS)
@FUZZ
@given(data=st.data())
def test_any_json_gets_an_answer_below_500(shared: Api, path: str, data: st.DataObject) -> None:
    fields = st.fixed_dictionaries({}, optional={name: JSON for name in FIELDS[path]})
    body = data.draw(fields | JSON)
    answer = shared.post(path, body)
    assert answer.status_code < 500, answer.text
    assert answer.status_code < 400 or answer.content_type == "application/problem+json"


@FUZZ
@given(raw=st.binary(max_size=200), kind=st.sampled_from(["application/json", "text/plain", "", "x/y; charset=utf-7"]))
def test_any_bytes_get_an_answer_below_500(shared: Api, raw: bytes, kind: str) -> None:
    for path in FIELDS:
        headers = {"Authorization": f"Bearer {shared.token}"}
        assert shared.client.post(path, data=raw, content_type=kind, headers=headers).status_code < 500


@FUZZ
@given(
    query=st.dictionaries(
        st.sampled_from(["state", "site", "cursor", "limit", "other"]), st.text(max_size=80) | st.integers(), max_size=4
    )
)
def test_any_query_gets_an_answer_below_500(shared: Api, query: dict[str, object]) -> None:
    headers = {"Authorization": f"Bearer {shared.token}"}
    assert shared.client.get("/config/devices", query_string=query, headers=headers).status_code < 500


@FUZZ
@given(name=st.text(max_size=60))
def test_any_path_gets_an_answer_below_500(shared: Api, name: str) -> None:
    for template in ("/config/devices/{}", "/crl/{}.crl", "/crl/{}", "/config/{}", "/{}"):
        assert shared.get(template.format(name.replace("?", "").replace("#", ""))).status_code < 500


@FUZZ
@example(token="\x80")  # The web library fails on a Basic header that is not ASCII.
@given(token=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
def test_any_authorization_gets_401(shared: Api, token: str) -> None:
    for scheme in ("Bearer", "Basic", "Digest", ""):
        answer = shared.client.get("/config/devices", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("path", FIELDS)
def test_a_refused_body_is_never_repeated(shared: Api, path: str) -> None:
    for body in ({MARK: MARK}, {name: [MARK] for name in FIELDS[path]}, [MARK], MARK):
        answer = shared.post(path, body)
        assert answer.status_code in {403, 422}
        # The name of an unknown field is told, for the sake of people who misspelt one; no value ever is.
        assert answer.text.count(MARK) <= (1 if isinstance(body, dict) and MARK in body else 0)
