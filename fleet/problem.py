"""Problems as web clients get them (RFC 9457), without any web library."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Problem(Exception):
    """An answer that says what is wrong and what to do. `detail` is shown to the client: no secret goes in."""

    status: int
    title: str
    detail: str = ""
    type: str = "about:blank"

    def __str__(self) -> str:
        return f"{self.status} {self.title}: {self.detail}"

    def to_dict(self, request_id: str) -> dict[str, Any]:
        """Return the members of an application/problem+json answer."""
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
