"""What happens around every request: an id to find it by, and one line in the log."""

import re
import time
import uuid
from typing import Any

from flask import Response, g, request
from flask.json.provider import DefaultJSONProvider

from fleet.logs import bind, get_logger, unbind_all

log = get_logger(__name__)

HEADER = "X-Request-Id"
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_QUIET = frozenset({"/healthz", "/metrics"})


class PatientJson(DefaultJSONProvider):
    """Reads JSON; a body nested deeper than Python can follow is the sender's mistake, as any other that is no JSON."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read a text; raises ValueError."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def begin() -> None:
    """Give the request an id (nginx's, when it sent one) and bind it to the log."""
    sent = request.headers.get(HEADER, "")
    g.request_id = sent if _ID.fullmatch(sent) else uuid.uuid4().hex
    g.began = time.monotonic()
    unbind_all()
    bind(request_id=g.request_id)


def finish(response: Response) -> Response:
    """Return the id to the client and write the request's line."""
    response.headers[HEADER] = g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "no-store")
    write = log.debug if request.path in _QUIET else log.info
    write(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        source=request.remote_addr,
        actor=getattr(g.get("actor"), "name", None),
        ms=round((time.monotonic() - g.get("began", time.monotonic())) * 1000, 1),
    )
    return response
