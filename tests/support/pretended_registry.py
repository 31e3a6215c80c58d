"""A registry in memory that answers the dashboard as config_server would, and remembers who asked for what."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.registry_client import Answer, Asker, Question
from fleet.problem import Problem

Json = dict[str, Any]
STEPS = ("recorded", "denied", "crl", "reloaded", "kicked", "proven")
TOKEN = "7K2Q9D.ABCD-EFGH-JKMN-PQRS"
COMMAND = f"camfleet-agent enroll --server https://camfleet.example.org:8443 --token {TOKEN}"
MOVES = {"accept": "accepted", "reject": "rejected", "decommission": "decommissioned"}


def stamp(ahead: timedelta = timedelta(0)) -> str:
    """Write a time this far ahead as the API does."""
    return (datetime.now(UTC) + ahead).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ticket() -> Json:
    """What makes a camera a member."""
    return {"token": TOKEN, "token_id": TOKEN[:6], "expires_at": stamp(timedelta(days=1)), "command": COMMAND}


def sighting(code: str = "7K2Q9DABCDEF", name_wish: str = "Gate north") -> Json:
    """A camera that asks to be taken in."""
    seen, ends = stamp(-timedelta(seconds=40)), stamp(timedelta(minutes=29))
    return {"code": code, "name_wish": name_wish, "source": "192.0.2.17", "seen_at": seen, "expires_at": ends}


def certificate(device_id: str, serial: str = "5f0c", **changes: Any) -> Json:
    """A certificate of a camera, in force."""
    return {
        "serial": serial * 10,
        "device_id": device_id,
        "issued_at": stamp(-timedelta(days=30)),
        "not_before": stamp(-timedelta(days=30, hours=1)),
        "not_after": stamp(timedelta(days=60)),
        "active_at": stamp(-timedelta(days=30)),
        "revoked_at": None,
        "purpose": "enrolled",
    } | changes


def authorities(crl_ends: timedelta = timedelta(days=7)) -> Json:
    """A root, an issuing CA and one revocation list."""
    root = {"name": "Camfleet root", "serial": "1a", "not_after": stamp(timedelta(days=7300)), "fingerprint": "ab" * 32}
    issuing = root | {"name": "Camfleet issuing", "not_after": stamp(timedelta(days=1825)), "fingerprint": "cd" * 32}
    crl = {"issuer_ski": "ef" * 20, "number": 7, "this_update": stamp(), "next_update": stamp(crl_ends)}
    return {"root": root, "issuing": issuing, "crls": [crl]}


@dataclass
class PretendedRegistry:
    """What the registry knows. `broken` is raised instead of any answer; `asked` is (actor's name, question)."""

    devices: dict[str, Json] = field(default_factory=dict)
    sightings: dict[str, Json] = field(default_factory=dict)
    certificates: list[Json] = field(default_factory=list)
    tokens: list[Json] = field(default_factory=list)
    sites: list[Json] = field(default_factory=list)
    audit: list[Json] = field(default_factory=list)
    cutoffs: dict[str, Json] = field(default_factory=dict)
    authorities: Json = field(default_factory=lambda: authorities())
    broken: Problem | None = None
    asked: list[tuple[str, Question]] = field(default_factory=list)

    def own(self, device_id: str, **facts: Any) -> None:
        """Know a device."""
        known = {"device_id": device_id, "name": device_id, "state": "accepted", "site_id": None, "denied": False}
        self.devices[device_id] = known | {"certificate": None, "created_at": stamp()} | facts

    def ask(self, question: Question, asker: Asker) -> Answer:
        """Answer as config_server would; raises Problem."""
        if self.broken is not None:
            raise self.broken
        self.asked.append((asker.user.name, question))
        path = question.path.removeprefix("/config/")
        for method, pattern, answer in ROUTES:
            if question.method == method and (found := re.fullmatch(pattern, path)):
                return answer(self, question, *found.groups())
        raise Problem(404, "Not Found", f"there is nothing at {question.path}")

    def cut_off(self, device_id: str) -> None:
        """Record that a device is to be cut off."""
        asked = {"device_id": device_id, "requested_at": stamp(), "requested_by": "user:u-1", "detail": ""}
        self.cutoffs[device_id] = asked | {"step": "recorded", "finished_at": None}

    def step(self, device_id: str, step: str) -> None:
        """Go one step on with cutting a device off, as the courier would."""
        cutoff = self.cutoffs[device_id]
        cutoff["step"] = step
        times = json.loads(cutoff["detail"]) if cutoff["detail"] else {}
        cutoff["detail"] = json.dumps({**times, step: stamp()})
        if step in {"proven", "failed"}:
            cutoff["finished_at"] = stamp()

    def _device(self, device_id: str) -> Json:
        if device_id not in self.devices:
            raise Problem(404, "Not Found", f"no device has the id {device_id!r}")
        return self.devices[device_id]

    def _provision(self, question: Question) -> Answer:
        name = question.body["name"]
        if any(device["name"] == name for device in self.devices.values()):
            raise Problem(409, "Conflict", f"another device is called {name!r}")
        device_id = question.body.get("device_id") or f"cam-{name.lower().replace(' ', '-')}"
        self.own(device_id, name=name, state="pending", site_id=question.body.get("site"))
        return Answer(201, {"device": self.devices[device_id], "enrolment": ticket()})

    def _batch(self, question: Question) -> Answer:
        names = [line.split(",")[0].strip() for line in question.body.strip().splitlines()]
        for name in names:
            self._provision(Question("POST", "", body={"name": name}))
        rows = [f"cam-{name.lower().replace(' ', '-')},{name},{TOKEN}" for name in names]
        return Answer(201, "\n".join(["device_id,name,token", *rows]) + "\n")

    def _move(self, _question: Question, device_id: str, move: str) -> Answer:
        device = self._device(device_id)
        device["state"] = MOVES.get(move, device["state"])
        if move in {"revoke", "decommission"}:
            device["denied"] = True
            self.cut_off(device_id)
        return Answer(200, dict(device))

    def _token(self, _question: Question, device_id: str, move: str) -> Answer:
        device = self._device(device_id)
        return Answer(201, ticket() if move == "token" else {"device": device, "enrolment": ticket()})

    def _cutoff(self, _question: Question, device_id: str) -> Answer:
        if device_id not in self.cutoffs:
            raise Problem(404, "Not Found", f"{device_id} was never cut off")
        return Answer(200, self.cutoffs[device_id])

    def _decide(self, question: Question, code: str, move: str) -> Answer:
        if code not in self.sightings:
            raise Problem(404, "Not Found", "no camera shows this code now")
        del self.sightings[code]
        if move == "accept":
            device_id = question.body.get("device_id") or "cam-sighted"
            self.own(device_id, name=question.body["name"], site_id=question.body.get("site"))
            return Answer(200, self.devices[device_id])
        return Answer(200, {"code": code})

    def _make_token(self, question: Question) -> Answer:
        made = {"id": f"t{len(self.tokens) + 1}", **question.body, "created_at": stamp(), "revoked_at": None}
        self.tokens.append(made)
        return Answer(201, made | {"token": "cfa_shown-this-once"})

    def _revoke_token(self, _question: Question, token_id: str) -> Answer:
        self.tokens = [token for token in self.tokens if token["id"] != token_id]
        return Answer(204, None)

    def _add_site(self, question: Question) -> Answer:
        self.sites.append(question.body)
        return Answer(201, question.body)

    def _certificates(self, question: Question) -> Answer:
        device_id = question.query.get("device")
        return _page([one for one in self.certificates if device_id in (None, one["device_id"])])

    def _audit(self, question: Question) -> Answer:
        device_id, below = question.query.get("device"), int(question.query.get("cursor") or 2**60)
        found = [one for one in self.audit if device_id in (None, one["device_id"]) and one["id"] < below]
        page = sorted(found, key=lambda one: -int(one["id"]))[:50]
        return _page(page, str(page[-1]["id"]) if len(found) > len(page) else None)


def _page(items: list[Json], cursor: str | None = None) -> Answer:
    return Answer(200, {"items": items, "cursor": cursor})


ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "devices", lambda self, _: _page(list(self.devices.values()))),
    ("POST", "devices", PretendedRegistry._provision),
    ("POST", "devices/batch", PretendedRegistry._batch),
    ("GET", "ca", lambda self, _: Answer(200, self.authorities)),
    ("GET", "devices/([^/]+)", lambda self, _, device_id: Answer(200, self._device(device_id))),
    ("GET", "devices/([^/]+)/cutoff", PretendedRegistry._cutoff),
    ("POST", "devices/([^/]+)/(token|re-enrol)", PretendedRegistry._token),
    ("POST", "devices/([^/]+)/(accept|reject|revoke|decommission)", PretendedRegistry._move),
    ("GET", "sightings", lambda self, _: _page(list(self.sightings.values()))),
    ("POST", "sightings/([^/]+)/(accept|reject)", PretendedRegistry._decide),
    ("GET", "certificates", PretendedRegistry._certificates),
    ("GET", "sites", lambda self, _: _page(self.sites)),
    ("POST", "sites", PretendedRegistry._add_site),
    ("GET", "tokens", lambda self, _: _page(self.tokens)),
    ("POST", "tokens", PretendedRegistry._make_token),
    ("DELETE", "tokens/([^/]+)", PretendedRegistry._revoke_token),
    ("GET", "audit", PretendedRegistry._audit),
]
