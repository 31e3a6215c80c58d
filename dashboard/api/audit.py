"""Routes of the audit logs: the dashboard's own (people), and config_server's (devices and certificates)."""

from typing import Any

from flask import Blueprint, current_app, request

from dashboard.api.bodies import Json
from dashboard.api.queries import read_cursor, read_limit
from dashboard.api.registry import ask_registry
from dashboard.guards import SESSIONS, Guard, guarded
from dashboard.people.sessions import Sessions
from dashboard.presentation import wire_time
from dashboard.store.people import LoginRecord, People

PAGE = 50

audit = Blueprint("audit", __name__, url_prefix="/api/v1/audit")


@audit.get("/people")
@guarded(Guard.ADMIN)
def list_people_audit() -> Json:
    """What people did here: logins, and changes of people; newest first."""
    limit = read_limit(request.args, default=PAGE, most=200)
    found = _people().recorded_with_ids(limit + 1, read_cursor(request.args))
    cursor = str(found[limit - 1][0]) if len(found) > limit else None
    return {"items": [_shown(number, entry) for number, entry in found[:limit]], "cursor": cursor}


@audit.get("/devices")
@guarded(Guard.ADMIN)
def list_devices_audit() -> Json:
    """What was done to devices and certificates, as config_server recorded it; its ids of people become names."""
    answer = ask_registry("GET", "audit", query=("device", "cursor", "limit")).body
    names = {f"user:{user.id}": user.name for user, _ in _people().all()}
    items = [_named(item, names) for item in answer["items"]]
    return {"items": items, "cursor": answer.get("cursor")}


def _named(item: Any, names: dict[str, str]) -> Any:
    return item | {"actor_name": names.get(item.get("actor", ""), item.get("actor"))}


def _shown(number: int, entry: LoginRecord) -> Json:
    return {
        "id": number,
        "at": wire_time(entry.at),
        "actor": entry.user_name,
        "action": entry.action,
        "detail": entry.detail,
        "source": entry.address,
        "request_id": entry.request_id,
    }


def _people() -> People:
    sessions: Sessions = current_app.extensions[SESSIONS]
    return sessions.people
