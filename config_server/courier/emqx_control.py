"""Cut cameras off at EMQX by its REST API: ban and deny by id, and delete the client; its CRL it fetches by itself."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from config_server.courier.control import BrokerFault, CameBack, Refusals

TIMEOUT_S = 5.0
PAGE = 1000
# Marks what is ours: bans of other people are left alone.
BY = "camfleet-courier"
# A ban without an end of its own gets one from some versions.
UNTIL = "2099-12-31T23:59:59+00:00"
BANS = "/api/v5/banned"
DATABASE = "/api/v5/authorization/sources/built_in_database"
RULES = f"{DATABASE}/rules/clients"


@dataclass
class EmqxControl:
    """Speaks to one node; EMQX itself carries bans and rules to the others of its cluster."""

    client: httpx.Client
    _wanted: frozenset[str] = field(default_factory=frozenset)

    def deny(self, refusals: Refusals) -> None:
        """Ban and deny who is denied, and free who no longer is: what the ban keeps out, the rules keep silent."""
        self._wanted = refusals.denied
        banned = self._banned()
        for device_id in sorted(refusals.denied):
            self._deny_topics(device_id)
            if device_id not in banned:
                ban = {"as": "clientid", "who": device_id, "by": BY, "reason": "revoked", "until": UNTIL}
                self._call("POST", BANS, ban, also=(400, 409))
        for device_id in sorted(banned - refusals.denied):
            self._call("DELETE", f"{RULES}/{quote(device_id, safe='')}", also=(404,))
            self._call("DELETE", f"{BANS}/clientid/{quote(device_id, safe='')}", also=(404,))

    def revoke(self, refusals: Refusals) -> None:
        """Nothing to place: EMQX fetches the lists, which are served from the database, by their distribution point."""

    def reload(self) -> None:
        """Nothing to reload; see that what was asked for is there."""
        missing = self._wanted - self._banned()
        if missing:
            raise BrokerFault(f"EMQX does not list the ban of {min(missing)}")

    def kick(self, device_ids: Iterable[str]) -> "Gone":
        """Close the sessions; who was not connected is no error."""
        gone = Gone(self, tuple(device_ids))
        for device_id in gone.device_ids:
            self._call("DELETE", _client(device_id), also=(404,))
        return gone

    def prove(self, device_ids: Iterable[str]) -> None:
        """Nobody of them is connected, and every one is banned."""
        asked = frozenset(device_ids)
        free = asked - self._banned()
        if free:
            raise BrokerFault(f"EMQX does not list the ban of {min(free)}")
        for device_id in sorted(asked):
            if self.is_connected(device_id):
                raise CameBack(f"{device_id} is connected again")

    def is_connected(self, device_id: str) -> bool:
        """Say whether EMQX has a live session of this client."""
        answer = self._call("GET", _client(device_id), also=(404,))
        return bool(answer and answer.get("connected", True))

    def _deny_topics(self, device_id: str) -> None:
        """Deny every topic to a session that still lives; a node without the database source answers 404."""
        rules = [{"topic": "#", "permission": "deny", "action": "all"}]
        rule = {"clientid": device_id, "rules": rules}
        answer = self._call("PUT", f"{RULES}/{quote(device_id, safe='')}", rule, also=(404,))
        if answer is None:
            self._call("POST", RULES, [rule], also=(404, 409))

    def _banned(self) -> frozenset[str]:
        found: set[str] = set()
        page = 1
        while True:
            answer = self._call("GET", f"{BANS}?page={page}&limit={PAGE}") or {}
            items = answer.get("data", [])
            found |= {item["who"] for item in items if item.get("as") == "clientid" and item.get("by") == BY}
            if len(items) < PAGE:
                return frozenset(found)
            page += 1

    def _call(self, method: str, path: str, body: Any = None, also: tuple[int, ...] = ()) -> dict[str, Any] | None:
        """The answer's JSON ({} when it has none); None for a status of `also`; BrokerFault for every other refusal."""
        try:
            response = self.client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise BrokerFault(f"EMQX's API does not answer: {error}") from error
        if response.status_code in also:
            return None
        if not response.is_success:
            raise BrokerFault(f"EMQX answered {response.status_code} to {method} {path.partition('?')[0]}")
        try:
            read = response.json() if response.content else {}
        except json.JSONDecodeError as error:
            raise BrokerFault(f"EMQX's answer to {method} {path.partition('?')[0]} is not JSON") from error
        return read if isinstance(read, dict) else {"data": read}


@dataclass(frozen=True)
class Gone:
    """Sessions that were deleted: nothing needs to be held, a ban keeps them out."""

    control: EmqxControl
    device_ids: tuple[str, ...]

    def keep(self) -> None:
        """Look once more."""
        self.control.prove(self.device_ids)

    def release(self) -> None:
        """Nothing is held."""


def _client(device_id: str) -> str:
    return f"/api/v5/clients/{quote(device_id, safe='')}"
