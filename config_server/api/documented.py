"""What the OpenAPI page says of every answer that is not the good one."""

from typing import Any

_PROBLEM: dict[str, Any] = {
    "application/problem+json": {
        "schema": {
            "type": "object",
            "required": ["type", "title", "status", "detail", "request_id"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string", "description": "what is wrong and what to do"},
                "request_id": {"type": "string", "description": "to find the request in the log"},
            },
        }
    }
}

_MEANINGS = {
    401: "no valid token",
    403: "the token, or the person, may not do this",
    404: "there is no such thing, or it is none of the caller's business",
    409: "the name or id is taken",
    422: "the request is not well-formed",
    429: "too many requests from this address",
    503: "the database is not usable now; nothing was changed",
}

TOKEN_SECURITY: list[dict[str, list[Any]]] = [{"token": []}]


def problems(*statuses: int) -> dict[Any, Any]:
    """The problem answers of a group of routes; 422 and 503 can come from each."""
    return {
        status: {"description": _MEANINGS[status], "content": _PROBLEM} for status in sorted({*statuses, 422, 503})
    }
