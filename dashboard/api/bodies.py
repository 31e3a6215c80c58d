"""Read what clients send as JSON; everything that is no object is a 400 that says so."""

from typing import Any

from flask import request

from fleet.problem import Problem

Json = dict[str, Any]


def read_body() -> Json:
    """Return the request's JSON object."""
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        # Nested deeper than Python can follow: a stranger's joke, no defect of ours.
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "Bad body", "Send a JSON object with Content-Type: application/json.")
    return body


def read_optional_body() -> Json:
    """Return the request's JSON object; an empty one when nothing was sent."""
    return read_body() if request.content_length else {}
