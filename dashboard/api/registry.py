"""Routes that pass a person's questions and orders about identity on to config_server, which has the last word."""

from typing import Any
from urllib.parse import quote

from flask import Blueprint, current_app, g, make_response, request
from flask.typing import ResponseReturnValue

from dashboard.api.bodies import read_body, read_optional_body
from dashboard.guards import Guard, guarded, require_user
from dashboard.qr import qr_data_uri
from dashboard.registry_client import Answer, Asker, Question, RegistryClient
from fleet.problem import Problem

REGISTRY_CLIENT = "camfleet.registry_client"

registry = Blueprint("registry", __name__, url_prefix="/api/v1/registry")


def ask_registry(method: str, path: str, *, query: tuple[str, ...] = (), body: Any = None) -> Answer:
    """Ask for the person who is signed in; of the query only the named parameters are passed on. A list takes long."""
    client: RegistryClient = current_app.extensions[REGISTRY_CLIENT]
    asker = Asker(require_user(), g.request_id, request.remote_addr)
    given = {name: request.args[name] for name in query if request.args.get(name)}
    return client.ask(Question(method, f"/config/{path}", given, body, is_long=isinstance(body, str)), asker)


def passed_on(answer: Answer) -> ResponseReturnValue:
    """Return the registry's answer as ours; a command to run on a camera comes with its QR code."""
    return make_response(_with_qr(answer.body) if isinstance(answer.body, dict) else {}, answer.status)


def _with_qr(body: dict[str, Any]) -> dict[str, Any]:
    holder = body.get("enrolment") if isinstance(body.get("enrolment"), dict) else body
    if holder is not None and isinstance(holder.get("command"), str):
        holder["qr"] = qr_data_uri(holder["command"])
    return body


def _device(device_id: str, rest: str = "") -> str:
    return f"devices/{quote(device_id, safe='')}{rest}"


@registry.get("/devices")
@guarded(Guard.SIGNED_IN)
def list_devices() -> ResponseReturnValue:
    """Devices of the registry, by state and site."""
    return passed_on(ask_registry("GET", "devices", query=("state", "site", "cursor", "limit")))


@registry.get("/devices/<device_id>")
@guarded(Guard.SIGNED_IN)
def show_device(device_id: str) -> ResponseReturnValue:
    """One device with what the registry knows of its identity."""
    return passed_on(ask_registry("GET", _device(device_id)))


@registry.post("/devices")
@guarded(Guard.OPERATOR)
def provision() -> ResponseReturnValue:
    """A new camera and its enrolment token, which is shown this once."""
    return passed_on(ask_registry("POST", "devices", body=read_body()))


@registry.post("/batch")
@guarded(Guard.OPERATOR)
def provision_many() -> ResponseReturnValue:
    """Cameras by a list of `name[,site]` lines, all or none; their tokens come as CSV, this once."""
    lines = read_body().get("lines")
    if not isinstance(lines, str) or not lines.strip():
        raise Problem(422, "No list", "Give one camera a line: its name, and after a comma its site if it has one.")
    answer = ask_registry("POST", "devices/batch", body=lines)
    return {"csv": answer.body}, 201


@registry.post("/devices/<device_id>/token")
@guarded(Guard.OPERATOR)
def renew_token(device_id: str) -> ResponseReturnValue:
    """A new enrolment token for a camera that waits for one."""
    return passed_on(ask_registry("POST", _device(device_id, "/token")))


@registry.post("/devices/<device_id>/accept")
@guarded(Guard.OPERATOR)
def accept(device_id: str) -> ResponseReturnValue:
    """Take a pending camera in."""
    return passed_on(ask_registry("POST", _device(device_id, "/accept")))


@registry.post("/devices/<device_id>/reject")
@guarded(Guard.OPERATOR)
def reject(device_id: str) -> ResponseReturnValue:
    """Turn a pending camera away."""
    return passed_on(ask_registry("POST", _device(device_id, "/reject")))


@registry.post("/devices/<device_id>/revoke")
@guarded(Guard.ADMIN)
def revoke(device_id: str) -> ResponseReturnValue:
    """Cut a camera off now."""
    return passed_on(ask_registry("POST", _device(device_id, "/revoke")))


@registry.post("/devices/<device_id>/decommission")
@guarded(Guard.ADMIN)
def decommission(device_id: str) -> ResponseReturnValue:
    """End a camera for good: its id is never given again."""
    return passed_on(ask_registry("POST", _device(device_id, "/decommission")))


@registry.post("/devices/<device_id>/re-enrol")
@guarded(Guard.ADMIN)
def re_enrol(device_id: str) -> ResponseReturnValue:
    """Let a revoked camera come back with a new key."""
    return passed_on(ask_registry("POST", _device(device_id, "/re-enrol")))


@registry.get("/devices/<device_id>/cutoff")
@guarded(Guard.SIGNED_IN)
def show_cutoff(device_id: str) -> ResponseReturnValue:
    """How far the newest cutting-off of a camera is."""
    return passed_on(ask_registry("GET", _device(device_id, "/cutoff")))


@registry.get("/certificates")
@guarded(Guard.SIGNED_IN)
def list_certificates() -> ResponseReturnValue:
    """Certificates, of one camera or by their end."""
    return passed_on(ask_registry("GET", "certificates", query=("device", "due_before", "cursor")))


@registry.get("/ca")
@guarded(Guard.SIGNED_IN)
def show_authorities() -> ResponseReturnValue:
    """The authorities and how long each revocation list is good."""
    return passed_on(ask_registry("GET", "ca"))


@registry.get("/sightings")
@guarded(Guard.OPERATOR)
def list_sightings() -> ResponseReturnValue:
    """Cameras that ask to be taken in, each with the code that it shows."""
    return passed_on(ask_registry("GET", "sightings"))


@registry.post("/sightings/<code>/accept")
@guarded(Guard.OPERATOR)
def accept_sighting(code: str) -> ResponseReturnValue:
    """Take a camera in whose code a person has compared."""
    return passed_on(ask_registry("POST", f"sightings/{quote(code, safe='')}/accept", body=read_body()))


@registry.post("/sightings/<code>/reject")
@guarded(Guard.OPERATOR)
def reject_sighting(code: str) -> ResponseReturnValue:
    """Turn a camera away that nobody knows."""
    return passed_on(
        ask_registry("POST", f"sightings/{quote(code, safe='')}/reject", body=read_optional_body() or None)
    )


@registry.get("/sites")
@guarded(Guard.SIGNED_IN)
def list_sites() -> ResponseReturnValue:
    """The sites that the person may see."""
    return passed_on(ask_registry("GET", "sites"))


@registry.post("/sites")
@guarded(Guard.ADMIN)
def add_site() -> ResponseReturnValue:
    """A new site."""
    return passed_on(ask_registry("POST", "sites", body=read_body()))


@registry.get("/tokens")
@guarded(Guard.ADMIN)
def list_tokens() -> ResponseReturnValue:
    """API tokens: what each may do, never the token itself."""
    return passed_on(ask_registry("GET", "tokens"))


@registry.post("/tokens")
@guarded(Guard.ADMIN)
def make_token() -> ResponseReturnValue:
    """A new API token, which is shown this once."""
    return passed_on(ask_registry("POST", "tokens", body=read_body()))


@registry.delete("/tokens/<token_id>")
@guarded(Guard.ADMIN)
def revoke_token(token_id: str) -> ResponseReturnValue:
    """End an API token."""
    return passed_on(ask_registry("DELETE", f"tokens/{quote(token_id, safe='')}"))
