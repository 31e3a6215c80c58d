"""The OpenAPI description shows an example of everything that is sent and answered, and each example is a right one."""

import importlib
import pkgutil
from typing import Any

import pytest
from pydantic import BaseModel

import config_server.api
from config_server.api.examples import CSV_LIST, EXAMPLES
from config_server.batch import read_batch
from tests.integration.config_server.conftest import Api

# The library's own description of a refusal; ours are problems.
NOT_OURS = {"ValidationErrorModel"}


def models() -> dict[str, type[BaseModel]]:
    """Every model of the REST API by its name."""
    found: dict[str, type[BaseModel]] = {}
    for module in pkgutil.iter_modules(config_server.api.__path__, "config_server.api."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseModel):
                found[value.__name__] = value
    return found


def document(api: Api) -> dict[str, Any]:
    answer: dict[str, Any] = api.get("/config/openapi/openapi.json").get_json()
    return answer


def is_shape(schema: dict[str, Any]) -> bool:
    return "properties" in schema


def test_every_schema_has_an_example(api: Api) -> None:
    described = document(api)
    assert described["openapi"].startswith("3.1")
    schemas = described["components"]["schemas"]
    assert {name for name, schema in schemas.items() if is_shape(schema) and "examples" not in schema} <= NOT_OURS
    assert set(EXAMPLES) <= set(schemas)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_is_a_right_one(name: str) -> None:
    made = models()[name].model_validate(EXAMPLES[name])
    assert made.model_dump(mode="json", exclude_unset=True).keys() == EXAMPLES[name].keys()


def test_a_list_is_shown_as_it_is_sent(api: Api) -> None:
    sent = document(api)["paths"]["/config/devices/batch"]["post"]["requestBody"]["content"]["text/csv"]
    assert sent["example"] == CSV_LIST
    assert len(read_batch(CSV_LIST.encode(), 10)) == 2
