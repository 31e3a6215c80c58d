"""Show 5: requests made from our own OpenAPI description, good ones and bad ones, never bring a 5xx."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from tests.integration.config_server.conftest import Api, make_api
from tests.support.scale import count, is_full

OPERATIONS_AT_LEAST = 12
UNLIMITED = "100000000 per minute"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A registry that is not empty: a camera in each state that an id can lead to."""
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    made = make_api(folder / "home", enrolment_rate=UNLIMITED, open_rate=UNLIMITED)
    yard = {"id": "yard", "name": "Yard", "time_zone": "Europe/Bucharest"}
    assert made.post("/config/sites", yard).status_code == 201
    for name in ("Pending one", "Pending two", "Enrolled"):
        made.provision(name, device_id=f"cam-{name.lower().replace(' ', '-')}")
    assert made.post("/config/devices/cam-enrolled/bundle").status_code == 200
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def schema(api: Api) -> Any:
    authorised = {"Authorization": f"Bearer {api.token}"}
    return schemathesis.openapi.from_wsgi("/config/openapi/openapi.json", api.client.application, headers=authorised)


def operations(schema: Any) -> list[Any]:
    """Every operation of the description; one that cannot be read is a fault of the description."""
    found = list(schema.get_all_operations())
    assert [str(one.err()) for one in found if not isinstance(one, Ok)] == []
    return [one.ok() for one in found]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_no_request_made_from_the_description_brings_a_5xx(
    api: Api, schema: Any, mode: GenerationMode, record_property: Any
) -> None:
    examples = count(400, 12, f"{mode.value} requests per operation")
    asked: dict[str, int] = {}
    for operation in operations(schema):
        if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
            continue
        _ask(api, operation, mode, asked, examples)
    record_property(f"{mode.value}_operations", len(asked))
    record_property(f"{mode.value}_requests", sum(asked.values()))
    assert api.get("/config/devices").status_code == 200, "the registry or its admin token did not outlive this"


def _ask(api: Api, operation: Any, mode: GenerationMode, asked: dict[str, int], examples: int) -> None:
    known = st.sampled_from([None, "cam-pending-one", "cam-pending-two", "cam-enrolled"])

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink], derandomize=not is_full(),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), device_id=known)
    def ask(case: Any, device_id: str | None) -> None:
        if device_id and "device_id" in (case.path_parameters or {}):
            case.path_parameters["device_id"] = device_id
        answer = case.call(headers={"Authorization": f"Bearer {api.token}"})
        asked[operation.label] = asked.get(operation.label, 0) + 1
        assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"
        assert answer.status_code < 400 or answer.headers["content-type"] == ["application/problem+json"]

    ask()


def _can_be_wrong(operation: Any) -> bool:
    """Whether there is anything in a request that could be wrong: a body or a parameter."""
    return bool(operation.body) or any(True for _ in operation.iter_parameters())


def test_the_description_is_of_openapi_3_1_and_names_every_operation(schema: Any) -> None:
    assert schema.raw_schema["openapi"].startswith("3.1")
    assert len(operations(schema)) >= OPERATIONS_AT_LEAST
