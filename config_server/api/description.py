"""The OpenAPI description of the REST API, with an example for everything that it takes and gives."""

from typing import Any

from flask_openapi3.openapi import OpenAPI

from config_server.api.examples import CSV_LIST, EXAMPLES


class DescribedApi(OpenAPI):
    """The library's app; it drops the examples of models, so they are put into what it wrote."""

    def generate_spec_json(self) -> None:
        """Write the description."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        add_examples(self.spec_json)


def add_examples(document: dict[str, Any]) -> None:
    """Put an example beside every schema that has one, and beside every list that is sent as CSV."""
    for name, schema in document["components"]["schemas"].items():
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    for path in document["paths"].values():
        for operation in path.values():
            sent = operation.get("requestBody", {}).get("content", {})
            if "text/csv" in sent:
                sent["text/csv"] |= {"schema": {"type": "string"}, "example": CSV_LIST}
