"""The routes of the REST API: read the query, ask the store, answer JSON."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, request

from dashboard.api.queries import place_text, read_event_filter, read_limit, read_time
from dashboard.guards import Guard, guarded, require_user
from dashboard.presentation import camera_details_json, camera_json, event_json, telemetry_json
from dashboard.store.cameras import CameraRow, Cameras
from dashboard.store.events import Events, place_of
from fleet.problem import Problem

Json = dict[str, Any]
CAMERAS, EVENTS = "camfleet.cameras", "camfleet.events"
DAY = timedelta(days=1)

api = Blueprint("api", __name__, url_prefix="/api/v1")


@api.get("/cameras")
@guarded(Guard.SIGNED_IN)
def list_cameras() -> Json:
    """Every camera that the person may see, and the cursor from which the feed goes on."""
    found, cursor = _cameras().all()
    user = require_user()
    return {"items": [camera_json(one) for one in found if user.may_see(one.site_id)], "cursor": cursor}


@api.get("/cameras/<device_id>")
@guarded(Guard.SIGNED_IN)
def show_camera(device_id: str) -> Json:
    """One camera with its birth and newest measurement."""
    return camera_details_json(_visible_camera(device_id))


@api.get("/cameras/<device_id>/telemetry")
@guarded(Guard.SIGNED_IN)
def list_telemetry(device_id: str) -> Json:
    """Measurements of the last day, or of the span asked for, oldest first."""
    before = read_time(request.args, "before") or datetime.now(UTC)
    after = read_time(request.args, "after") or before - DAY
    limit = read_limit(request.args, default=6_000, most=20_000)
    if require_user().site_ids is not None:
        _visible_camera(device_id)
    found = _cameras().telemetry(device_id, after, before, limit)
    return {"items": [telemetry_json(row) for row in found]}


@api.get("/events")
@guarded(Guard.SIGNED_IN)
def list_events() -> Json:
    """Events, the last that happened first; `cursor` leads to the next page, null at the end."""
    limit = read_limit(request.args, default=50, most=200)
    events: Events = current_app.extensions[EVENTS]
    wanted = replace(read_event_filter(request.args), sites=require_user().site_ids)
    found = events.newest_first(wanted, limit + 1)
    cursor = place_text(place_of(found[limit - 1])) if len(found) > limit else None
    return {"items": [event_json(row) for row in found[:limit]], "cursor": cursor}


def _visible_camera(device_id: str) -> CameraRow:
    found = _cameras().get(device_id)
    if found is None or not require_user().may_see(found.site_id):
        raise Problem(404, "No such camera", f"There is no camera {device_id[:80]}.")
    return found


def _cameras() -> Cameras:
    found: Cameras = current_app.extensions[CAMERAS]
    return found
